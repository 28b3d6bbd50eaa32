import { FALSE, Operation, TRUE, type Node } from './diagram.js';
import { DROP_KEY, END, type List, type Lists } from './lists.js';
import { OUTCOME } from './outcome.js';

/** Beyond so many differences the lists are taken for two that have nothing to do with each other. */
const MOST_EDITS = 2000;

/**
 * Regions outside of which two lists do the same to every packet: what the rules match that only one of them has (moved
 * ones too). A packet that meets none of them meets the same rules in both, in the same order.
 */
export async function changedRegions(lists: Lists, a: List, b: List): Promise<readonly Node[]> {
  const { diffArrays } = await import('diff');
  const { diagrams } = lists;
  const known = new Map<string, readonly Node[]>();

  const between = (x: List, y: List): readonly Node[] => {
    if (lists.senseOf(x) === lists.senseOf(y)) return [];
    const key = `${x} ${y}`;
    let regions = known.get(key);
    if (regions === undefined) {
      regions = compare(x, y);
      known.set(key, regions);
    }
    return regions;
  };

  const compare = (x: List, y: List): readonly Node[] => {
    const [before, after] = [cellsOf(lists, x), cellsOf(lists, y)];
    const edits = diffArrays(
      before.map(({ key }) => key),
      after.map(({ key }) => key),
      { maxEditLength: MOST_EDITS },
    );
    if (edits === undefined) return [TRUE];
    const regions: Node[] = [];
    let [i, j] = [0, 0];
    let removed: readonly CellText[] = [];
    const flush = (added: readonly CellText[]): void => {
      regions.push(...unlikeStretch(removed, added));
      removed = [];
    };
    for (const { value, added, removed: gone } of edits) {
      if (gone) {
        flush([]);
        removed = before.slice(i, i + value.length);
        i += value.length;
      } else if (added) {
        flush(after.slice(j, j + value.length));
        j += value.length;
      } else {
        flush([]);
        i += value.length;
        j += value.length;
      }
    }
    flush([]);
    return regions;
  };

  /** What a stretch of rules and the one in its place match; calls that differ in the called chain alone are looked into. */
  const unlikeStretch = (removed: readonly CellText[], added: readonly CellText[]): readonly Node[] => {
    const regions: Node[] = [];
    const gone = (cells: readonly CellText[]): void => {
      for (const { outcome } of cells) regions.push(lists.matching(outcome));
    };
    const pairs =
      lists.counts || removed.length !== added.length ? [] : removed.map((one, i) => [one, added[i]] as const);
    if (pairs.length > 0 && pairs.every((pair) => pair.every(({ verdict }) => verdict !== undefined))) {
      return pairs.flatMap(([one, other]) => doingOtherwise(lists, one, other));
    }
    let next = 0;
    for (const one of removed) {
      const at = added.findIndex(({ call }, i) => i >= next && call !== undefined && call === one.call);
      if (at < 0) {
        gone([one]);
        continue;
      }
      gone(added.slice(next, at));
      next = at + 1;
      const matching = lists.matching(one.outcome);
      for (const region of between(one.body, added[at].body)) regions.push(diagrams.and(matching, region));
    }
    gone(added.slice(next));
    return regions;
  };

  return apart(lists, between(a, b));
}

/** What two rules match of which at least one decides otherwise than the other, in two parts: most often they are simple. */
function doingOtherwise(lists: Lists, one: CellText, other: CellText): readonly Node[] {
  const { diagrams } = lists;
  const does = new Map<string | undefined, number>([[DROP_KEY, 1]]);
  const [before, after] = [one, other].map(({ outcome, verdict }) => {
    const number = does.get(verdict) ?? does.size + 1;
    does.set(verdict, number);
    const rejects = verdict?.startsWith('reject ') ?? false;
    return diagrams.map(outcome, (value) =>
      value === OUTCOME.no ? 0 : value === OUTCOME.yes || (value === OUTCOME.dropping && rejects) ? number : 1,
    );
  });
  const otherwise = diagrams.apply(new Operation(unlike), before, after);
  const matching = lists.matching(one.outcome);
  return [diagrams.and(matching, otherwise), diagrams.and(diagrams.not(matching), otherwise)];
}

/** 1 where two functions differ. */
function unlike(a: Node, b: Node): Node | undefined {
  if (a === b) return FALSE;
  return a < 0 && b < 0 ? TRUE : undefined;
}

interface CellText {
  readonly key: string;
  readonly outcome: Node;
  readonly body: List;
  /** Of a rule that decides. */
  readonly verdict?: string;
  /** Calls: the same for those that differ in the called chain alone. */
  readonly call?: string;
}

function cellsOf(lists: Lists, list: List): readonly CellText[] {
  const cells: CellText[] = [];
  for (let at = list; at !== END; at = lists.cell(at).tail) {
    const { outcome, effect, body, rule } = lists.cell(at);
    const kind = effect.kind === 'verdict' ? effect.key : ` ${effect.kind}`;
    const who = lists.counts ? lists.keyOf(rule) : '';
    const call = body === END ? {} : { call: `${outcome} ${kind} ${who}` };
    const verdict = effect.kind === 'verdict' ? { verdict: effect.key } : {};
    cells.push({ key: `${outcome} ${kind} ${lists.senseOf(body)} ${who}`, outcome, body, ...call, ...verdict });
  }
  return cells;
}

/** Beyond so many regions one for all of them is less work. */
const MOST_REGIONS = 256;

/** The same packets in regions of which no two share any. */
function apart({ diagrams }: Lists, regions: readonly Node[]): readonly Node[] {
  const different = [...new Set(regions)].filter((region) => region !== FALSE);
  if (different.length > MOST_REGIONS) return [different.reduce((sum, one) => diagrams.or(sum, one), FALSE)];
  const out: Node[] = [];
  let covered = FALSE as Node;
  for (const region of different) {
    const own = diagrams.and(region, diagrams.not(covered));
    if (own !== FALSE) out.push(own);
    covered = diagrams.or(covered, region);
  }
  return out;
}
