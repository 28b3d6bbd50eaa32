import type { Hull } from './hull.js';

/** Rectangles around what many rules match, a column for each side: which of them meet another one is found side by side. */
export class Columns {
  readonly #columns = new Map<number, { readonly least: Float64Array; readonly most: Float64Array; uses: number }>();

  constructor(private readonly hulls: readonly Hull[]) {
    hulls.forEach(({ variables, least, most }, row) => {
      for (let i = 0; i < variables.length; i++) {
        let column = this.#columns.get(variables[i]);
        if (column === undefined) {
          column = {
            least: new Float64Array(hulls.length),
            most: new Float64Array(hulls.length).fill(Infinity),
            uses: 0,
          };
          this.#columns.set(variables[i], column);
        }
        column.least[row] = least[i];
        column.most[row] = most[i];
        column.uses++;
      }
    });
  }

  /** Numbers of the rectangles, rising from `first` on and below `end`, that share a value of each variable with the given one. */
  meeting({ variables, least, most }: Hull, end = this.hulls.length, first = 0): readonly number[] {
    const asked = variables
      .flatMap((variable, i) => {
        const column = this.#columns.get(variable);
        return column === undefined ? [] : [{ ...column, lo: least[i], hi: most[i] }];
      })
      .sort((a, b) => b.uses - a.uses);
    const found: number[] = [];
    next: for (let row = first; row < end; row++) {
      for (const column of asked) {
        if (column.least[row] > column.hi || column.most[row] < column.lo) continue next;
      }
      found.push(row);
    }
    return found;
  }
}
