import type { Parsed, ValueType } from '../define.js';
import { hexOf, latin1Of, utf8 } from '../../model/utf8.js';

/** Bytes of a pattern at most (XT_STRING_MAX_PATTERN_SIZE). */
const MOST = 128;

const BAR = 0x7c;
const BACKSLASH = 0x5c;
const BLANK = 0x20;

/** The bytes of the word as they are (iptables libxt_string.c `parse_string`). */
export const plainPattern: ValueType<Uint8Array> = {
  arity: 1,
  placeholder: 'string',
  parse: ([word]) => {
    const bytes = utf8(word);
    return bytes.length > MOST ? { error: `"${word}" is longer than ${MOST} bytes` } : { value: bytes };
  },
  print: (bytes) => [printPlain(bytes)],
};

/**
 * Text with bytes in hexadecimal between bars, `\` before a character that stands for itself, e.g.
 * `GET |0d 0a|` (iptables libxt_string.c `parse_hex_string`).
 */
export const hexPattern: ValueType<Uint8Array> = {
  arity: 1,
  placeholder: 'string|hex|',
  parse: ([word]) => parseHexPattern(word),
  print: (bytes) => [printHex(bytes)],
};

/** Whether a pattern is printed in hexadecimal: it has a byte that is no printable ASCII, or a `\` at its end. */
export function needsHex(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte < BLANK || byte > 0x7e) || bytes[bytes.length - 1] === BACKSLASH;
}

export function printPlain(bytes: Uint8Array): string {
  return latin1Of(bytes);
}

export function printHex(bytes: Uint8Array): string {
  return `|${hexOf(bytes)}|`;
}

function parseHexPattern(word: string): Parsed<Uint8Array> {
  if (word === '') return { error: 'the pattern has no byte' };
  const text = utf8(word);
  const bytes: number[] = [];
  let inHex = false;
  let i = 0;
  while (i < text.length) {
    if (bytes.length >= MOST) return { error: `"${word}" is longer than ${MOST} bytes` };
    const escaped = text[i] === BACKSLASH;
    if (escaped && inHex) return { error: `"${word}" has a "\\" between bars` };
    if (text[i] === BAR) {
      inHex = !inHex;
      if (inHex) while (text[i + 1] === BLANK) i++;
      // The byte behind a closing bar stands for itself, whatever it is.
      if (++i >= text.length) break;
    }
    if (inHex) {
      const read = hexByte(text, i);
      if (read === undefined) return { error: `"${word}" has other than pairs of hexadecimal digits between bars` };
      bytes.push(read);
      i += text[i + 2] === BLANK ? 3 : 2;
    } else if (escaped) {
      if (i + 1 >= text.length) return { error: `"${word}" ends with a "\\"` };
      bytes.push(text[i + 1]);
      i += 2;
    } else {
      bytes.push(text[i++]);
    }
  }
  return { value: Uint8Array.from(bytes) };
}

/** The two digits at `at`, behind which something must stand. */
function hexByte(text: Uint8Array, at: number): number | undefined {
  const digits = latin1Of(text.subarray(at, at + 2));
  return at + 2 < text.length && /^[\da-f]{2}$/i.test(digits) ? parseInt(digits, 16) : undefined;
}
