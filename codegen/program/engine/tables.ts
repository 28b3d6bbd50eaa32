import { TableWriter } from '../../classify/index.js';
import type { DataSpec } from '../../object/spec.js';
import { TABLE, type TableShape } from './functions.js';
import type { Look } from './stretch-code.js';
import type { Stretch } from './segment.js';

/** The diagrams of all programs of an object in one table. */
export class EngineTables {
  private readonly writer = new TableWriter();
  /** A branch may be two in the table. */
  private depth = 0;
  private readonly groups = new Set<number>();

  /** Bytes of all diagrams so far. */
  get bytes(): number {
    return this.writer.size;
  }

  /** Adds the diagrams of a stretch. */
  add({ classifier, accesses }: Extract<Stretch, { kind: 'diagrams' }>): readonly Look[] {
    this.groups.add(Math.max(1, classifier.groups.length));
    this.depth = Math.max(this.depth, classifier.depth);
    return classifier.groups.map(({ root, first }) => ({ root: this.writer.add(root, accesses), first }));
  }

  /** Undefined where no chain is looked up in diagrams. */
  get shape(): TableShape | undefined {
    const { writer, depth } = this;
    if (this.groups.size === 0) return undefined;
    const groups = [...this.groups].sort((a, b) => a - b);
    return { size: Math.max(writer.size, LEAST_BYTES), depth: 2 * depth, levels: writer.levels, groups };
  }

  get data(): DataSpec | undefined {
    if (this.groups.size === 0) return undefined;
    const bytes = this.writer.finish();
    const padded = new Uint8Array(Math.max(bytes.length, LEAST_BYTES));
    padded.set(bytes);
    return { name: TABLE, bytes: padded };
  }
}

/** So that the bounds of the functions are positive even for a table of one list. */
const LEAST_BYTES = 64;
