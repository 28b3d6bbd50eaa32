import { ByteWriter } from './bytes.js';
import { ObjectError } from './error.js';

const encoder = new TextEncoder();
// A byte order mark is text like any other.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 text, or an {@link ObjectError} `malformed`. */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new ObjectError('malformed', `${what} is not UTF-8`);
  }
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** NUL-terminated strings of ELF (`.strtab`) and BTF, each kept once; offset 0 is the empty string. */
export class StringTable {
  private readonly writer = new ByteWriter().u8(0);
  private readonly offsets = new Map([['', 0]]);

  /** Offset of `text` in the table. */
  add(text: string): number {
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    if (text.includes('\0')) throw new ObjectError('bad-value', `NUL character in ${JSON.stringify(text)}`);
    const offset = this.writer.length;
    this.writer.bytes(encodeText(text)).u8(0);
    this.offsets.set(text, offset);
    return offset;
  }

  get length(): number {
    return this.writer.length;
  }

  finish(): Uint8Array {
    return this.writer.finish();
  }
}

/** The reading side of {@link StringTable}. */
export class StringReader {
  private readonly known = new Map<number, string>();

  constructor(
    private readonly data: Uint8Array,
    private readonly what: string,
  ) {}

  at(offset: number): string {
    const known = this.known.get(offset);
    if (known !== undefined) return known;
    const end = this.data.indexOf(0, offset);
    if (offset >= this.data.length || end < 0) {
      throw new ObjectError('truncated', `${this.what} has no string at offset ${offset}`);
    }
    const text = decodeText(this.data.subarray(offset, end), `a string of ${this.what}`);
    this.known.set(offset, text);
    return text;
  }
}
