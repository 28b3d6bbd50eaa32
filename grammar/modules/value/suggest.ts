/**
 * Optimal string alignment distance: insertions, deletions, replacements, swaps of neighbours. More than `most` where it
 * is more, whatever it is.
 */
function distance(a: string, b: string, most: number): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  let [leastBefore, leastLast] = [0, 0];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
      if (row[j] < least) least = row[j];
    }
    before = last;
    last = row;
    [leastBefore, leastLast] = [leastLast, least];
    // What follows builds on one of the two rows.
    if (leastLast > most && leastBefore + 1 > most) return most + 1;
  }
  return last[b.length];
}

/** The nearest of `names` that `word` may have been meant to be, letter case aside. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  let best: string | undefined;
  let least = word.length <= 3 ? 1 : word.length <= 7 ? 2 : 3;
  for (const name of names) {
    if (Math.abs(name.length - word.length) > least) continue;
    const steps = distance(lower, name.toLowerCase(), least);
    if (steps < least || (steps === least && best === undefined)) {
      best = name;
      least = steps;
    }
  }
  return best;
}

/** Letters of a name that say enough to find it by them alone. */
const TELLING = 4;

/** The shortest of `names` that ends in the letters of `word`: `--days` is in `--weekdays`. */
function longerName(word: string, names: Iterable<string>): string | undefined {
  const letters = word.replace(/^-+/, '').toLowerCase();
  if (letters.length < TELLING) return undefined;
  return [...names]
    .filter((name) => name.toLowerCase().endsWith(letters))
    .toSorted((a, b) => a.length - b.length)
    .at(0);
}

/** `did you mean X?`, or nothing. */
export function didYouMean(word: string, names: Iterable<string>): string | undefined {
  const known = [...names];
  const name = nearest(word, known) ?? longerName(word, known);
  return name === undefined ? undefined : `did you mean ${name}?`;
}

/** The error of a word that is none of `names`, with the one that it may have been meant to be. */
export function unknownName(word: string, names: Iterable<string>, error: string): { error: string; hint?: string } {
  // A word that is wrong once is often wrong again and again in the same file.
  if (last?.word !== word || last.names !== names) last = { word, names, hint: didYouMean(word, names) };
  const { hint } = last;
  return hint === undefined ? { error } : { error, hint };
}

let last: { readonly word: string; readonly names: Iterable<string>; readonly hint: string | undefined } | undefined;
