/** A word of a line of IP sets. */
export interface Word {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

/** Words between blanks; what stands between double quotes is one word. */
export function wordsOf(line: string): readonly Word[] | undefined {
  const words: Word[] = [];
  const pattern = /[ \t\r]*(?:"([^"]*)"|([^ \t\r"]+))/y;
  const length = line.trimEnd().length;
  while (pattern.lastIndex < length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(line);
    if (match === null) return undefined;
    const [whole, quoted, plain] = match;
    const text = quoted ?? plain;
    words.push({ text, column: start + whole.length - text.length + (quoted === undefined ? 1 : 0) });
  }
  return words;
}
