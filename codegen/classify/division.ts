import { buildDag, type Node } from './dag.js';
import type { Dimension, Instance } from './instance.js';
import type { InstanceTable } from './instance-table.js';

/** Instances that have a diagram of their own. */
export interface Group {
  readonly root: Node;
  /** Children of all branches. */
  readonly edges: number;
  /** Its first rule: whoever has met a final one before it need not look here. */
  readonly first: number;
  /** Share of all instances that are no final ones before its first: so many of the packets that meet one look here, about. */
  readonly reached: number;
}

/** What it takes to look a packet up in groups. */
export type CostOf = (groups: readonly Group[]) => number;

/** How an instance is in a partitioned dimension, or 0 where it does not test it; a class is one of these for each, as a digit of base 3. */
const WIDE = 1;
const NARROW = 2;
const WIDTHS = 3;
/** With more, there are more classes than a set of them has bits. */
const MOST_PARTITIONED = 3;
/** Narrow is what covers at most one 4096th of a dimension: prefixes of 12 bits and more. */
const NARROW_SHARE = 4_096;

/** Bit set of classes whose instances are kept apart from the others. */
export type Division = number;

/**
 * For each range of the boxes. Large diagrams that come to be take 5 to 11 (IPv4 and IPv6, 2,500 to 100,000 rules); one that takes more
 * seldom comes to be at all, and what was done for it is lost.
 */
const WORK_PER_TEST = 16;
const EDGES_PER_INSTANCE = 24;
const LEAST_WORK = 400_000;
const LEAST_EDGES = 4_096;
/**
 * A diagram with more edges for each instance is large for what it holds (those of 10,000 rules have 0.2 to 2): to divide it may cost
 * less. Where a rule may go on it does not: the hits of several diagrams must be put in order.
 */
const DENSE = 4;

/** Divides the instances of a table into groups, in one of several ways. */
export class Divider {
  private readonly partitioned: readonly number[];
  /** Of each instance. */
  private readonly classes: Uint8Array;
  /** Bit set of the classes that there are. */
  private readonly present: number;
  private readonly isFinal: boolean;
  /** Attempts at one diagram, by set of classes. */
  private readonly attempts = new Map<number, Group | undefined>();

  constructor(
    private readonly table: InstanceTable,
    private readonly costOf: CostOf,
  ) {
    const { instances, dimensions, finals } = table;
    this.partitioned = partitionedOf(dimensions);
    this.classes = Uint8Array.from(instances, (instance) => classOf(instance, this.partitioned, dimensions));
    this.present = this.classes.reduce((set, one) => set | (1 << one), 0);
    this.isFinal = finals.every((final) => final === 1);
  }

  /** All instances, of which there is one at least, in one diagram; undefined where it would be too large. */
  whole(): Group | undefined {
    return this.attempt(this.present);
  }

  /**
   * Ways to divide, each a list of divisions: those that are narrow in one of the partitioned dimensions from the others, then those that
   * test the other dimensions, then those that test that one. Only one way where none tells anything apart.
   */
  ways(): readonly (readonly Division[])[] {
    const { partitioned } = this;
    const having = (place: number, ...widths: readonly number[]): Division =>
      classesWith(place, widths, partitioned.length);
    const ways = partitioned.map((_, first) => [
      having(first, NARROW),
      ...partitioned.flatMap((_, place) => (place === first ? [] : [having(place, WIDE, NARROW)])),
      having(first, WIDE, NARROW),
    ]);
    const telling = ways.filter((way) => way.some((division) => this.tellsApart(this.present, division)));
    return telling.length === 0 ? [[]] : telling;
  }

  /** At most so many groups of all instances, in order of first rule; undefined where more would be needed. */
  groups(way: readonly Division[], most: number): readonly Group[] | undefined {
    return this.groupsOf(this.present, way, most)
      ?.slice()
      .sort((a, b) => a.first - b.first);
  }

  private groupsOf(classes: number, way: readonly Division[], most: number): readonly Group[] | undefined {
    if (most < 1) return undefined;
    const one = this.attempt(classes);
    if (one !== undefined && !this.isDense(one, classes)) return [one];
    const at = way.findIndex((division) => this.tellsApart(classes, division));
    if (one === undefined)
      return at < 0 ? this.halves(this.members(classes), most) : this.parts(classes, way, at, most);
    const parts = at < 0 ? undefined : this.parts(classes, way, at, most);
    return parts !== undefined && this.costOf(parts) < this.costOf([one]) ? parts : [one];
  }

  /** What a division of the way tells apart, each part divided further where it must be. */
  private parts(classes: number, way: readonly Division[], at: number, most: number): readonly Group[] | undefined {
    const rest = way.slice(at + 1);
    // The other part takes a group at least.
    const apart = this.groupsOf(classes & way[at], rest, most - 1);
    const others = apart && this.groupsOf(classes & ~way[at], rest, most - apart.length);
    return others && [...apart, ...others];
  }

  /** The first half apart from the second: of what has not one diagram. */
  private halves(members: Int32Array, most: number): readonly Group[] | undefined {
    const { length } = members;
    if (length < 2 || most < 2) return undefined;
    const half = Math.ceil(length / 2);
    const before = this.halved(members.subarray(0, half), most - 1);
    const behind = before && this.halved(members.subarray(half), most - before.length);
    return behind && [...before, ...behind];
  }

  private halved(members: Int32Array, most: number): readonly Group[] | undefined {
    const one = groupOf(this.table, members);
    return one === undefined ? this.halves(members, most) : [one];
  }

  private tellsApart(classes: number, division: Division): boolean {
    return (classes & division) !== 0 && (classes & ~division) !== 0;
  }

  /** Whether a diagram is large for what it holds: all instances, or those of some classes. */
  isDense({ edges }: Group, classes = this.present): boolean {
    return this.isFinal && edges > DENSE * this.members(classes).length;
  }

  /** The instances of these classes, which are some of those that there are. */
  private members(classes: number): Int32Array {
    const all = this.table.all();
    return classes === this.present ? all : all.filter((member) => (classes & (1 << this.classes[member])) !== 0);
  }

  private attempt(classes: number): Group | undefined {
    if (this.attempts.has(classes)) return this.attempts.get(classes);
    const group = groupOf(this.table, this.members(classes));
    this.attempts.set(classes, group);
    return group;
  }
}

function partitionedOf(dimensions: readonly Dimension[]): readonly number[] {
  const all = dimensions.flatMap(({ partition }, dimension) => (partition === true ? [dimension] : []));
  return all.slice(0, MOST_PARTITIONED);
}

function classOf({ box }: Instance, partitioned: readonly number[], dimensions: readonly Dimension[]): number {
  let own = 0;
  let weight = 1;
  for (const dimension of partitioned) {
    const range = box.find((one) => one.dimension === dimension);
    if (range !== undefined) {
      const most = (dimensions[dimension].max + 1) / NARROW_SHARE;
      own += weight * (range.hi - range.lo < most ? NARROW : WIDE);
    }
    weight *= WIDTHS;
  }
  return own;
}

/** Bit set of the classes of so many digits that have one of the widths at a place. */
function classesWith(place: number, widths: readonly number[], digits: number): Division {
  let set = 0;
  for (let one = 0; one < WIDTHS ** digits; one++) {
    const width = Math.floor(one / WIDTHS ** place) % WIDTHS;
    if (widths.includes(width)) set |= 1 << one;
  }
  return set;
}

/** The diagram of members, of which there is one at least. */
function groupOf(table: InstanceTable, members: Int32Array): Group | undefined {
  const dag = buildDag(table, members, {
    work: Math.max(LEAST_WORK, WORK_PER_TEST * testsOf(table, members)),
    edges: Math.max(LEAST_EDGES, EDGES_PER_INSTANCE * members.length),
  });
  if (dag === undefined) return undefined;
  const [first] = members;
  return { ...dag, first: table.rules[first], reached: 1 - finalsBefore(table, first) / table.instances.length };
}

function testsOf({ tests }: InstanceTable, members: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < members.length; i++) sum += tests[members[i]];
  return sum;
}

function finalsBefore({ finals }: InstanceTable, end: number): number {
  let sum = 0;
  for (let i = 0; i < end; i++) sum += finals[i];
  return sum;
}
