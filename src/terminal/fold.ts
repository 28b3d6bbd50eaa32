/** Sequences that colour text (ECMA-48 SGR); they take no column. */
const SGR = /\u001b\[[0-9;]*m/g;
/** Characters on top of the one before, and those that are not seen. */
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** Characters of two columns (Unicode Standard Annex #11: W and F), by their blocks. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  const plain = text.replace(SGR, '');
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  return [...plain].reduce((sum, character) => sum + (NARROW.test(character) ? 0 : WIDE.test(character) ? 2 : 1), 0);
}

/** How much further than its first line a folded one is indented. */
const HANGING = 2;

/**
 * A line in lines of at most `columns`, broken at blanks, the further ones indented under the first, or `indent`
 * columns. A word that is longer than a line stays whole: the terminal breaks it, and it can still be copied.
 */
export function fold(line: string, columns: number | undefined, indent?: number): readonly string[] {
  if (columns === undefined || widthOf(line) <= columns) return [line];
  const lead = /^ */.exec(line)?.[0] ?? '';
  // Far to the right there would be no room.
  const margin = ' '.repeat(Math.min(indent ?? lead.length + HANGING, Math.floor(columns / 2)));
  const lines: string[] = [];
  let current = lead;
  let isEmpty = true;
  for (const [piece, blanks, word] of line.slice(lead.length).matchAll(/( *)([^ ]+)/g)) {
    if (isEmpty || widthOf(current) + widthOf(piece) <= columns) {
      current += isEmpty ? word : blanks + word;
    } else {
      lines.push(current);
      current = margin + word;
    }
    isEmpty = false;
  }
  return [...lines, current];
}

/** {@link fold} for each line of a text. */
export function foldText(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .flatMap((line) => fold(line, columns))
    .join('\n');
}
