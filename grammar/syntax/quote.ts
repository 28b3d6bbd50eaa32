/** Whether iptables-save prints the string without quotes (libxtables `xtables_save_string`). */
const PLAIN = /^[-_0-9A-Za-z]+$/;

/**
 * The text of a word as iptables-restore reads it: `"` opens and closes, `\` escapes any character inside quotes and
 * is an ordinary character outside (iptables `add_param_to_argv`).
 */
export function unquote(raw: string): string {
  const open = raw.indexOf('"');
  if (open < 0) return raw;
  const closed = raw.length > open + 1 && raw.endsWith('"') && !endsEscaped(raw, open + 1);
  const body = raw.slice(open + 1, closed ? -1 : undefined);
  return raw.slice(0, open) + (body.includes('\\') ? body.replace(/\\([^]?)/g, '$1') : body);
}

/** Whether an odd number of backslashes stands before the last character. */
function endsEscaped(raw: string, from: number): boolean {
  let slashes = 0;
  for (let i = raw.length - 2; i >= from && raw[i] === '\\'; i--) slashes++;
  return slashes % 2 === 1;
}

/** A string as iptables-save prints it. */
export function quoteSaved(text: string): string {
  return PLAIN.test(text) ? text : quote(text);
}

/** A value that the tool prints in quotes always, with a `\` before `"` and `\` alone. */
export function quoteAlways(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** A string in quotes, whatever it holds. */
export function quote(text: string): string {
  return `"${text.replace(/["\\']/g, '\\$&')}"`;
}

/** A word in the least quoting that reads back as the same word. */
export function quoteIfNeeded(text: string): string {
  return needsQuotes(text) ? quote(text) : text;
}

const QUOTE = 0x22;

/** Whether a word is empty, or holds a blank or a quote. */
function needsQuotes(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= QUOTE && /[ \t\n"]/.test(text)) return true;
  }
  return text === '';
}
