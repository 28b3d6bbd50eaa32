const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** What XML 1.0 (2.2, production Char) cannot hold, not even escaped: control characters, halves of surrogate pairs, U+FFFE, U+FFFF. */
const FOREIGN = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Text as the content of an element or of an attribute; characters that XML cannot hold as `\xHH` or `\uHHHH`. */
export function xmlText(text: string): string {
  const held = text.replace(FOREIGN, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
  return held.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
