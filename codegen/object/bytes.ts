import { ObjectError } from './error.js';

/** Growing little-endian byte buffer. */
export class ByteWriter {
  private data = new Uint8Array(256);
  private view = new DataView(this.data.buffer);
  length = 0;

  u8(value: number): this {
    const at = this.reserve(1);
    this.view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.reserve(2);
    this.view.setUint16(at, value, true);
    return this;
  }

  u32(...values: readonly number[]): this {
    for (const value of values) {
      const at = this.reserve(4);
      this.view.setUint32(at, value, true);
    }
    return this;
  }

  u64(...values: readonly number[]): this {
    for (const value of values) {
      const at = this.reserve(8);
      this.view.setBigUint64(at, BigInt(value), true);
    }
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.reserve(bytes.length);
    this.data.set(bytes, at);
    return this;
  }

  /** Zeros up to the next multiple of `alignment`. */
  align(alignment: number): this {
    this.reserve((alignment - (this.length % alignment)) % alignment);
    return this;
  }

  finish(): Uint8Array {
    return this.data.slice(0, this.length);
  }

  private reserve(bytes: number): number {
    const at = this.length;
    this.length += bytes;
    if (this.length > this.data.length) {
      const grown = new Uint8Array(Math.max(this.length, this.data.length * 2));
      grown.set(this.data.subarray(0, at));
      this.data = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** Little-endian reader of one region of a file; whatever leads outside of it throws an {@link ObjectError} `truncated`. */
export class ByteReader {
  private readonly view: DataView;
  position = 0;

  constructor(
    readonly data: Uint8Array,
    /** Names the region in errors. */
    readonly what: string,
  ) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get left(): number {
    return this.data.length - this.position;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** A file offset, size or the like: what does not fit a safe integer lies outside of any file. */
  u64(): number {
    const value = this.view.getBigUint64(this.take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.outside();
    return Number(value);
  }

  seek(position: number): this {
    if (position > this.data.length) throw this.outside();
    this.position = position;
    return this;
  }

  skip(bytes: number): this {
    this.take(bytes);
    return this;
  }

  /** Reader of `length` bytes from `offset` on, which shares the memory. */
  region(offset: number, length: number, what: string): ByteReader {
    if (offset > this.data.length || length > this.data.length - offset) {
      throw new ObjectError('truncated', `${what} lies outside of ${this.what}`);
    }
    return new ByteReader(this.data.subarray(offset, offset + length), what);
  }

  private take(bytes: number): number {
    if (bytes > this.left) throw this.outside();
    const at = this.position;
    this.position += bytes;
    return at;
  }

  private outside(): ObjectError {
    return new ObjectError('truncated', `${this.what} ends before byte ${this.position}`);
  }
}
