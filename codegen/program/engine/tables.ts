import {
  recordLayout,
  listBytes,
  SEARCH_BYTES,
  Slots,
  TableWriter,
  type Access,
  type Dimension,
  type Node,
  type RecordLayout,
} from '../../classify/index.js';
import type { DataSpec } from '../../object/spec.js';
import { engineFunctions } from './functions.js';
import { TABLE, type LookupShape, type ObjectShape } from './lookup-shape.js';
import type { Stretch } from './segment.js';
import type { FunctionCode } from '../function-code.js';

/** How a diagram begins: what is asked first is code; the rest is looked up. */
export type Top =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'root'; readonly number: number }
  /** The root is child `access >> shift` of those that begin at a byte offset of the table. */
  | { readonly kind: 'index'; readonly access: Access; readonly shift: number; readonly children: number }
  | {
      readonly kind: 'branch';
      readonly access: Access;
      readonly cuts: readonly number[];
      readonly children: readonly Top[];
    };

/** A diagram to look into. */
export interface Look {
  readonly top: Top;
  /** Its first rule. */
  readonly first: number;
}

/** Looks of one stretch, whose records have a layout with this number. */
export interface Looks {
  readonly layout: number;
  readonly looks: readonly Look[];
  /** Whether every hit is an action that ends the packet's way here: it has one hit at most. */
  readonly final: boolean;
}

interface Layout {
  readonly records: RecordLayout;
  readonly slots: Slots;
  /** Whether some stretch with these records is final; numbers of groups of those that are not. */
  final: boolean;
  several: boolean;
  readonly groups: Set<number>;
  depth: number;
  candidates: number;
  hits: number;
}

/** Functions that look up, of the 256 of a program (BPF_MAX_SUBPROGS); those that one more stretch may need. */
const MOST_FUNCTIONS = 72;
const MOST_OF_STRETCH = 3;

/** Functions for stretches with hits that go on, of so many groups. */
const perGroups = (groups: ReadonlySet<number>): number => (groups.size === 0 ? 0 : 2 + groups.size);

/** Branches of a diagram that are code. */
const MOST_IN_CODE = 48;

/** The diagrams of all programs of an object in one table. */
export class EngineTables {
  private readonly writer = new TableWriter();
  private readonly layouts = new Map<string, Layout>();

  /** Bytes of all diagrams so far. */
  get bytes(): number {
    return this.writer.size;
  }

  /** Functions of a program that look up, so far. */
  get functionCount(): number {
    return [...this.layouts.values()].reduce((sum, { final, groups }) => sum + (final ? 1 : 0) + perGroups(groups), 0);
  }

  /**
   * Whether the diagrams of a stretch would be looked up by the functions that there are, or there may be more: programs have few, and where
   * each stretch needs its own, rules in turn take less time.
   */
  hasRoomFor({ dimensions, accesses, most, instances }: Extract<Stretch, { kind: 'diagrams' }>): boolean {
    if (this.functionCount + MOST_OF_STRETCH <= MOST_FUNCTIONS) return true;
    return this.layouts.has(this.keyOf(recordLayout(dimensions, accesses, instances), accesses, most));
  }

  /** Adds the diagrams of a stretch. */
  add({ classifier, dimensions, accesses, most, instances, blocks }: Extract<Stretch, { kind: 'diagrams' }>): Looks {
    const records = recordLayout(dimensions, accesses, instances);
    const key = this.keyOf(records, accesses, most);
    const found = this.layouts.get(key);
    const layout = found ?? {
      records,
      slots: new Slots(),
      final: false,
      several: false,
      groups: new Set<number>(),
      depth: 0,
      candidates: 0,
      hits: 0,
    };
    if (found === undefined) this.layouts.set(key, layout);
    const final = blocks.length === 0 && instances.every((instance) => instance.final);
    if (classifier.groups.length > 1) layout.several = true;
    if (final) layout.final = true;
    else layout.groups.add(Math.max(1, classifier.groups.length));
    layout.candidates = Math.max(layout.candidates, classifier.candidates);
    // A place is moved on where a packet may have two hits: so it must be where its only one does not end its way, or that is taken again.
    const lasting = instances.some((instance) => !instance.final);
    layout.hits = Math.max(layout.hits, classifier.longest, lasting ? 2 : 1);
    const looks = classifier.groups.map(({ root, first }) => ({
      top: this.top(root, dimensions, accesses, layout),
      first,
    }));
    return { layout: [...this.layouts.keys()].indexOf(key), looks, final };
  }

  /** Of the layout with these records, one that has room for all numbers. */
  private keyOf(records: RecordLayout, accesses: readonly Access[], most: number): string {
    for (let turn = 0; ; turn++) {
      const key = `${most} ${turn} ${JSON.stringify(records)}`;
      if (this.layouts.get(key)?.slots.hasRoomFor(accesses, most) !== false) return key;
    }
  }

  private top(root: Node, dimensions: readonly Dimension[], accesses: readonly Access[], layout: Layout): Top {
    const inCode = topOf(root, dimensions);
    const below = new Set<Node>();
    const collect = (node: Node): void => {
      if (node.kind === 'branch' && inCode.has(node)) node.children.forEach(collect);
      else below.add(node);
    };
    collect(root);
    const roots = [...below];
    const { records, slots } = layout;
    const numbers = this.writer.add(roots, { dimensions, accesses, layout: records, slots });
    for (const number of numbers) layout.depth = Math.max(layout.depth, this.writer.depthOf(number));
    const numberOf = new Map(roots.map((node, index) => [node, numbers[index]]));
    const build = (node: Node): Top => {
      if (node.kind === 'leaf' && node.candidates.length === 0) return { kind: 'nothing' };
      const number = numberOf.get(node);
      if (number !== undefined) return this.rootOf(number, slots);
      if (node.kind === 'leaf') throw new Error('a leaf is below the top');
      const { dimension, cuts, children } = node;
      return { kind: 'branch', access: accesses[dimension], cuts, children: children.map(build) };
    };
    return build(root);
  }

  /** Most diagrams begin with an index: it is code, so that nothing has to be read to find out. */
  private rootOf(number: number, { accesses }: Slots): Top {
    const index = this.writer.indexOf(number);
    if (index === undefined) return { kind: 'root', number };
    const { slot, shift, children } = index;
    return { kind: 'index', access: accesses[slot], shift, children };
  }

  /** Functions that look up; none where no chain is looked up in diagrams. */
  functions(object: Omit<ObjectShape, 'size'>): readonly FunctionCode[] {
    const shapes = [...this.layouts.values()].map(({ groups, slots, ...layout }, index): LookupShape => ({
      ...layout,
      numbers: slots.accesses,
      layout: index,
      groups: [...groups].sort((a, b) => a - b),
    }));
    return engineFunctions(shapes, { ...object, size: this.size });
  }

  /** Bytes of the table: behind its end there is room for a record, a list, and a search, so that none is read beyond it. */
  private get size(): number {
    const longest = [...this.layouts.values()].flatMap(({ records, candidates }) => [
      records.bytes,
      listBytes(candidates),
    ]);
    return Math.max(this.writer.size + Math.max(SEARCH_BYTES, ...longest), LEAST_BYTES);
  }

  get data(): DataSpec | undefined {
    if (this.layouts.size === 0) return undefined;
    const bytes = new Uint8Array(this.size);
    bytes.set(this.writer.finish());
    return { name: TABLE, bytes };
  }
}

/** Branches that ask what is asked first, as many as are worth to be code: all of them from the root on, or none. */
function topOf(root: Node, dimensions: readonly Dimension[]): ReadonlySet<Node> {
  const top = new Set<Node>();
  let ways = 0;
  const visit = (node: Node): void => {
    if (node.kind === 'leaf' || dimensions[node.dimension].first === undefined) return;
    top.add(node);
    ways += node.children.length;
    if (ways <= MOST_IN_CODE) node.children.forEach(visit);
  };
  visit(root);
  return ways <= MOST_IN_CODE ? top : new Set();
}

/** So that the bounds of the functions are positive even for a table of one list. */
const LEAST_BYTES = 64;
