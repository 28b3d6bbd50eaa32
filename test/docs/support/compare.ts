const ANY = '…';

/** Whether a line is as expected, where `…` stands for any text. */
export function lineMatches(expected: string, actual: string): boolean {
  if (!expected.includes(ANY)) return expected === actual;
  const pieces = expected.split(ANY);
  const first = pieces[0];
  const last = pieces[pieces.length - 1];
  if (actual.length < first.length + last.length || !actual.startsWith(first) || !actual.endsWith(last)) return false;
  let at = first.length;
  const end = actual.length - last.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = actual.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

const isEllipsis = (line: string): boolean => line.trim() === ANY;

/** Whether the output is as expected, where a line `…` stands for any number of lines. */
export function outputMatches(expected: readonly string[], actual: readonly string[]): boolean {
  // reachable[j]: the expected lines so far can be the first j actual ones.
  let reachable = new Set([0]);
  for (const line of expected) {
    const next = new Set<number>();
    for (const j of reachable) {
      if (isEllipsis(line)) for (let k = j; k <= actual.length; k++) next.add(k);
      else if (j < actual.length && lineMatches(line, actual[j])) next.add(j + 1);
    }
    reachable = next;
  }
  return reachable.has(actual.length);
}

/** The actual output, in the words of the expected lines where these still hold: `…` inside lines stays. */
export function updated(expected: readonly string[], actual: readonly string[]): readonly string[] {
  if (outputMatches(expected, actual)) return expected;
  let from = 0;
  return actual.map((line) => {
    const at = expected.findIndex((old, index) => index >= from && !isEllipsis(old) && lineMatches(old, line));
    if (at < 0) return line;
    from = at + 1;
    return expected[at];
  });
}
