import { fold, widthOf } from './fold.js';

/** A column of a table; `right` for numbers. */
export interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
}

const GAP = 2;

/**
 * A table as lines: columns as wide as their widest cell, two blanks between, the last one folded into what is left of
 * the terminal's width. Every row has a cell for each column.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): readonly string[] {
  const heads = columns.map(({ head }) => head);
  const widths = columns.map((_, i) => Math.max(...[heads, ...rows].map((cells) => widthOf(cells[i]))));
  const last = columns.length - 1;
  const indent = widths.slice(0, last).reduce((sum, one) => sum + one + GAP, 0);
  return [heads, ...rows].flatMap((cells) => {
    const padded = cells.map((cell, i) => {
      const blanks = ' '.repeat(widths[i] - widthOf(cell));
      if (columns[i].align === 'right') return blanks + cell;
      return i === last ? cell : cell + blanks;
    });
    return fold(padded.join(' '.repeat(GAP)), width, indent).map((line) => line.trimEnd());
  });
}
