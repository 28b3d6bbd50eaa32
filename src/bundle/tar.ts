/** One file of an archive. */
export interface TarEntry {
  /** Path with `/` between its parts, at most 100 bytes of ASCII. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable?: boolean;
}

const BLOCK = 512;
const NAME_BYTES = 100;

/**
 * A tar archive (POSIX.1-1988, ustar). Owner is root and time is 0, so that the same files make the same archive.
 *
 * @throws RangeError for a path that does not fit
 */
export function tar(entries: readonly TarEntry[]): Uint8Array {
  const parts = entries.flatMap(({ path, content, executable }) => [
    header(path, content.length, executable === true ? 0o755 : 0o644),
    content,
    new Uint8Array((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...parts, new Uint8Array(2 * BLOCK)]);
}

function header(path: string, size: number, mode: number): Uint8Array {
  if (path.length > NAME_BYTES || !/^[\x21-\x7e]+$/.test(path)) throw new RangeError(`no name for an archive: ${path}`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  };
  block.write(path, 0, 'latin1');
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  block.write('0', 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write('root', 265, 'latin1');
  block.write('root', 297, 'latin1');
  // The sum is taken with blanks in its own place.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
