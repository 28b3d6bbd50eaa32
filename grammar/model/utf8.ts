/** Text as the bytes that the kernel and its tools see. Without Node's `Buffer`: the grammar runs in a browser, too. */

const encoder = new TextEncoder();

/** The bytes of a text; half a surrogate pair becomes U+FFFD, as everywhere in UTF-8. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** How many bytes a text has in UTF-8, without making them. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (isHigh(code) && isLow(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

/** The beginning of a text that fits into so many bytes; a character that is cut in two becomes U+FFFD. */
export function cutUtf8(text: string, bytes: number): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(utf8(text).subarray(0, bytes));
}

/** Order of two byte strings, as memcmp(3): negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** Two hexadecimal digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One character a byte, U+0000 to U+00FF. */
export function latin1Of(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
