import { buildDag, type Node } from './dag.js';
import type { Dimension, Instance } from './instance.js';
import type { InstanceTable } from './instance-table.js';

/** Instances that have a diagram of their own. */
export interface Group {
  readonly root: Node;
  /** Its first rule: whoever has met a final one before it need not look here. */
  readonly first: number;
  /** Share of all instances that are not before its first one: so many of the packets that meet one look here, about. */
  readonly reached: number;
}

/** Divides instances into those that cover less than so many values of a dimension, and the others. */
export interface Division {
  readonly dimension: number;
  readonly below: number;
}

/** Narrow is what covers less than one 4096th of a dimension: prefixes of more than 12 bits. */
const NARROW_SHARE = 4_096;
/**
 * For each range of the boxes. Large diagrams that come to be take 5 to 11 (IPv4 and IPv6, 2,500 to 100,000 rules); one that takes more
 * seldom comes to be at all, and what was done for it is lost.
 */
const WORK_PER_TEST = 16;
const EDGES_PER_INSTANCE = 24;
const LEAST_WORK = 400_000;
const LEAST_EDGES = 4_096;

/**
 * Ways to divide what no one diagram holds, each a list of divisions: first by whether instances are narrow in one of the partitioned
 * dimensions, then by whether they test the others, then by whether they test that one.
 */
export function waysToDivide(dimensions: readonly Dimension[]): readonly (readonly Division[])[] {
  const partitioned = dimensions.flatMap(({ partition }, dimension) => (partition === true ? [dimension] : []));
  const tested = (dimension: number): Division => ({ dimension, below: dimensions[dimension].max + 1 });
  const ways = partitioned.map((first) => [
    { dimension: first, below: (dimensions[first].max + 1) / NARROW_SHARE },
    ...partitioned.filter((dimension) => dimension !== first).map(tested),
    tested(first),
  ]);
  return ways.length === 0 ? [[]] : ways;
}

/** All members of the table in one diagram, as groups of one or none; undefined where it would be too large. */
export function undivided(table: InstanceTable): readonly Group[] | undefined {
  const members = table.all();
  if (members.length === 0) return [];
  const group = groupOf(table, members);
  return group === undefined ? undefined : [group];
}

/**
 * Groups of the members of a table, which have not one diagram: divided as `way` says, and where that is not enough, the first half apart
 * from the second. Undefined where they would be more than `most`.
 */
export function divided(table: InstanceTable, way: readonly Division[], most: number): readonly Group[] | undefined {
  const groups: Group[] = [];
  return divide(table, table.all(), way, groups, most) ? groups.sort((a, b) => a.first - b.first) : undefined;
}

/** Adds the groups of both parts. */
function divide(
  table: InstanceTable,
  members: Int32Array,
  way: readonly Division[],
  groups: Group[],
  most: number,
): boolean {
  const { length } = members;
  if (length === 1) return false;
  const [division, ...rest] = way;
  const inFirst =
    division === undefined
      ? (_: number, index: number) => index < length / 2
      : (member: number) => isWithin(table.instances[member].box, division);
  const first = members.filter(inFirst);
  if (division !== undefined && (first.length === 0 || first.length === length))
    return divide(table, members, rest, groups, most);
  const second = members.filter((member, index) => !inFirst(member, index));
  // The second part takes a group at least.
  return addGroups(table, first, rest, groups, most - 1) && addGroups(table, second, rest, groups, most);
}

function addGroups(
  table: InstanceTable,
  members: Int32Array,
  way: readonly Division[],
  groups: Group[],
  most: number,
): boolean {
  if (groups.length >= most) return false;
  const group = groupOf(table, members);
  if (group === undefined) return divide(table, members, way, groups, most);
  groups.push(group);
  return true;
}

/** The diagram of members, of which there is one at least. */
function groupOf(table: InstanceTable, members: Int32Array): Group | undefined {
  const root = buildDag(table, members, {
    work: Math.max(LEAST_WORK, WORK_PER_TEST * testsOf(table, members)),
    edges: Math.max(LEAST_EDGES, EDGES_PER_INSTANCE * members.length),
  });
  if (root === undefined) return undefined;
  const [first] = members;
  return { root, first: table.rules[first], reached: 1 - first / table.instances.length };
}

function testsOf({ tests }: InstanceTable, members: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < members.length; i++) sum += tests[members[i]];
  return sum;
}

function isWithin(box: Instance['box'], { dimension, below }: Division): boolean {
  for (const { dimension: own, lo, hi } of box) if (own === dimension) return hi - lo < below;
  return false;
}
