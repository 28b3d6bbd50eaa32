import { SIZE } from '../../codegen/bytecode/instruction.js';
import { FALSE, type Ref } from './bdd.js';
import { unsupported } from './unprovable.js';
import { eitherRegion } from './kernel-region.js';
import { pointer, unknown, word, type Pointer, type Region, type Value } from './value.js';
import { bitAt, slice, trim, type Words } from './words.js';

/** A condition that is worked out when it is asked for: most ways that meet hold the same values. */
type Lazy = () => Ref;

/** One byte of memory: byte `index` of a value of `size` bytes. */
interface Cell {
  readonly value: Value;
  readonly index: number;
  readonly size: number;
}

/**
 * The bytes of a region. Where ways with different contents have met, a byte is worked out when it is asked for: most of
 * what was stored is not read any more.
 */
class Cells {
  constructor(
    private readonly known: Map<number, Cell | undefined> = new Map(),
    private readonly met?: { readonly condition: Lazy; readonly here: Cells; readonly there: Cells },
  ) {}

  get(offset: number, words: Words): Cell | undefined {
    if (this.met === undefined || this.known.has(offset)) return this.known.get(offset);
    const { condition, here, there } = this.met;
    const a = here.get(offset, words);
    const b = a === undefined ? undefined : there.get(offset, words);
    const cell = a === undefined || b === undefined ? undefined : mergeCells(condition, a, b, words);
    this.known.set(offset, cell);
    return cell;
  }

  set(offset: number, cell: Cell | undefined): void {
    this.description = undefined;
    this.known.set(offset, cell);
  }

  private description: string | undefined;

  /** A name of the contents, kept until they change. */
  describe(shorten: Shortening): string {
    return (this.description ??= shorten((name) => this.contentOf(name)));
  }

  private contentOf(name: (value: Value) => string): string {
    if (this.met !== undefined) throw unsupported('the contents of memory where ways have met');
    const known = [...this.known].filter(([, cell]) => cell !== undefined).sort(([a], [b]) => a - b);
    const parts: string[] = [];
    for (const [offset, cell] of known) {
      if (cell === undefined) continue;
      const { value, index, size } = cell;
      // Behind the first byte of a value stands the second one, as a rule.
      const before = index === 0 ? undefined : this.known.get(offset - 1);
      const isNext = before?.value === value && before.index === index - 1 && before.size === size;
      parts.push(isNext ? '.' : `${offset}:${index}/${size}=${name(value)}`);
    }
    return parts.join(' ');
  }

  copy(): Cells {
    return new Cells(new Map(this.known), this.met);
  }

  /** Joins other contents of the same region; `condition` is that of these. */
  meet(condition: Lazy, there: Cells): Cells {
    return new Cells(new Map(), { condition, here: this, there });
  }

  offsets(): ReadonlySet<number> {
    const below = this.met === undefined ? [] : [...this.met.here.offsets()];
    return new Set([...this.known.keys(), ...below]);
  }
}

/** Makes a short name of a long one, which it asks for with the names of values. */
export type Shortening = (describe: (name: (value: Value) => string) => string) => string;

/** Memory that the program writes: stack frames and the flow. Forks share what neither has changed. */
export class Memory {
  private own = new Set<Region>();

  private constructor(
    private regions: Map<Region, Cells>,
    /** Whether another one has the same map: it is copied before it is changed. */
    private shared: boolean,
  ) {}

  static empty(): Memory {
    return new Memory(new Map(), false);
  }

  fork(): Memory {
    this.shared = true;
    return new Memory(this.regions, true);
  }

  private unshare(): void {
    if (!this.shared) return;
    this.regions = new Map(this.regions);
    this.own = new Set();
    this.shared = false;
  }

  /** Throws `unsupported` beyond the frame of a stack: who stands there is not known. */
  store(region: Region, offset: number, size: number, value: Value): void {
    if (isBeyondFrame(region, offset, size)) throw unsupported('a write beyond a stack frame');
    const cells = this.writable(region);
    for (let index = 0; index < size; index++) cells.set(offset + index, { value, index, size });
  }

  /** What lies there; unknown where nothing was stored. */
  load(region: Region, offset: number, size: number, words: Words): Value {
    const cells = this.regions.get(region);
    if (isBeyondFrame(region, offset, size)) return unknown('memory beyond a stack frame');
    const first = cells?.get(offset, words);
    if (cells === undefined || first === undefined) return unknown('memory that was not written');
    if (first.index === 0 && first.size === size && wholeAt(cells, offset, first, words)) return first.value;
    const bits: Ref[] = [];
    for (let index = 0; index < size; index++) {
      const cell = cells.get(offset + index, words);
      if (cell === undefined) return unknown('memory that was not written');
      const byte = byteOf(cell);
      if (byte === undefined) return unknown('a part of a pointer');
      for (let bit = 0; bit < 8; bit++) bits.push(bitAt(byte, bit));
    }
    return word(trim(bits));
  }

  /** Forgets a piece of memory. */
  forget(region: Region, offset: number, size: number): void {
    if (isBeyondFrame(region, offset, size)) throw unsupported('a write beyond a stack frame');
    const cells = this.writable(region);
    for (let index = 0; index < size; index++) cells.set(offset + index, undefined);
  }

  drop(region: Region): void {
    if (!this.regions.has(region)) return;
    this.unshare();
    this.regions.delete(region);
    this.own.delete(region);
  }

  /** Puts a region back to what it is in other memory. */
  reset(region: Region, from: Memory): void {
    this.unshare();
    const cells = from.regions.get(region);
    from.own.delete(region);
    this.own.delete(region);
    if (cells === undefined) this.regions.delete(region);
    else this.regions.set(region, cells);
  }

  /** Whether a region is as in other memory, for certain. */
  sameAs(region: Region, other: Memory): boolean {
    return this.regions.get(region) === other.regions.get(region);
  }

  /** Whether all regions are as in other memory, for certain. */
  isSame(other: Memory): boolean {
    if (this.regions === other.regions) return true;
    if (this.regions.size !== other.regions.size) return false;
    for (const [region, cells] of this.regions) if (other.regions.get(region) !== cells) return false;
    return true;
  }

  /** Keeps pointers alone. */
  keepPointers(keep: (region: Region) => boolean, words: Words): void {
    this.unshare();
    for (const [region, cells] of this.regions) {
      if (keep(region)) continue;
      const left = new Cells();
      for (const offset of cells.offsets()) {
        const cell = cells.get(offset, words);
        if (cell?.value.kind === 'pointer') left.set(offset, cell);
      }
      this.regions.set(region, left);
      this.own.add(region);
    }
  }

  /** A name of all that a region holds: the same contents, the same name; always the same `shorten`. */
  describe(region: Region, shorten: Shortening): string {
    const cells = this.regions.get(region);
    return cells === undefined ? '' : cells.describe(shorten);
  }

  /** Memory of two ways that meet: `condition` is that of this one. */
  merge(condition: Lazy, other: Memory): void {
    if (this.regions === other.regions) return;
    this.unshare();
    for (const [region, cells] of this.regions) {
      const theirs = other.regions.get(region);
      if (theirs === cells) continue;
      if (theirs === undefined) {
        this.drop(region);
        continue;
      }
      this.regions.set(region, cells.meet(condition, theirs));
      this.own.add(region);
      other.own.delete(region);
    }
  }

  private writable(region: Region): Cells {
    this.unshare();
    const cells = this.regions.get(region);
    if (cells !== undefined && this.own.has(region)) return cells;
    const copy = cells === undefined ? new Cells() : cells.copy();
    this.regions.set(region, copy);
    this.own.add(region);
    return copy;
  }
}

/** Refuses an access to a stack that is no multiple of its size: the kernel does (check_ptr_alignment in kernel/bpf/verifier.c), and flows lie on one. */
export function requireAligned(offset: number, size: number): void {
  if (offset % size !== 0) throw unsupported('an access to a stack that is not aligned');
}

/** Refuses a call whose first argument is not the program's context: the kernel does. */
export function requireContext({ registers: [, context] }: State): void {
  const isContext =
    context?.kind === 'pointer' &&
    context.region.kind === 'context' &&
    context.offset === 0 &&
    context.index === undefined;
  if (!isContext) throw unsupported('a call without the context');
}

function isBeyondFrame({ kind, bytes }: Region, offset: number, size: number): boolean {
  return kind === 'stack' && (offset + size > 0 || offset < -(bytes ?? Infinity));
}

function wholeAt(cells: Cells, offset: number, first: Cell, words: Words): boolean {
  for (let index = 1; index < first.size; index++) {
    const cell = cells.get(offset + index, words);
    if (cell?.value !== first.value || cell.index !== index) return false;
  }
  return true;
}

function byteOf({ value, index }: Cell): readonly Ref[] | undefined {
  return value.kind === 'word' ? slice(value.bits, index * 8, 8) : undefined;
}

function mergeCells(condition: Lazy, a: Cell, b: Cell, words: Words): Cell | undefined {
  if (a.value === b.value && a.index === b.index && a.size === b.size) return a;
  if (a.index === b.index && a.size === b.size && isSamePointer(a.value, b.value)) return a;
  const x = byteOf(a);
  const y = byteOf(b);
  if (x === undefined || y === undefined) return undefined;
  return { value: word(words.choose(condition(), x, y)), index: 0, size: 1 };
}

function isSamePointer(a: Value, b: Value): boolean {
  return (
    a.kind === 'pointer' &&
    b.kind === 'pointer' &&
    a.region === b.region &&
    a.offset === b.offset &&
    a.index === undefined &&
    b.index === undefined &&
    a.absent === b.absent
  );
}

/** What has happened on the ways so far, by name, and on which of them: `count 5 0`, `log 7`, `fault …`. */
export type Log = ReadonlyMap<string, Ref>;

/** All ways to one place of the program that belong together. */
export class State {
  /** So many bytes of the frame are there for certain, as far as that has been asked. */
  readable = 0;

  constructor(
    /** When they are taken. */
    public condition: Ref,
    readonly registers: (Value | undefined)[],
    readonly memory: Memory,
    public log: Log,
  ) {}

  fork(condition: Ref): State {
    const fork = new State(condition, [...this.registers], this.memory.fork(), this.log);
    fork.readable = this.readable;
    return fork;
  }

  note(event: string, condition: Ref, words: Words): void {
    const log = new Map(this.log);
    log.set(event, words.bdd.or(log.get(event) ?? FALSE, condition));
    this.log = log;
  }

  /** Joins other ways to the same place; `live` has a bit for each register that is read later. */
  join(other: State, live: number, words: Words): void {
    const { condition } = this;
    const either = words.bdd.or(condition, other.condition);
    // What tells the two apart, among the packets that come here at all.
    let simple: Ref | undefined;
    const mine = (): Ref => (simple ??= words.bdd.simplify(condition, either));
    for (let register = 0; register < 10; register++) {
      this.registers[register] =
        (live & (1 << register)) === 0
          ? undefined
          : mergeValues(mine, this.registers[register], other.registers[register], words);
    }
    this.memory.merge(mine, other.memory);
    if (this.log !== other.log) this.log = mergeLogs(this.log, other.log, words);
    this.condition = either;
    this.readable = Math.min(this.readable, other.readable);
  }
}

export function mergeLogs(a: Log, b: Log, words: Words): Log {
  const log = new Map(a);
  for (const [event, condition] of b) log.set(event, words.bdd.or(log.get(event) ?? FALSE, condition));
  return log;
}

/** What is the one value where the condition holds, and the other one elsewhere. */
export function mergeValues(
  condition: Lazy,
  a: Value | undefined,
  b: Value | undefined,
  words: Words,
): Value | undefined {
  if (a === b) return a;
  if (a === undefined || b === undefined) return undefined;
  if (isSamePointer(a, b)) return a;
  if (isStruct(a) && isStruct(b) && a.region.name === b.region.name) {
    const absent = words.bdd.choose(condition(), a.absent, b.absent);
    return pointer(eitherRegion(condition(), a.region, b.region), 0, absent);
  }
  const x = isHeavy(a) ? undefined : bitsOf(a, words);
  const y = isHeavy(b) ? undefined : bitsOf(b, words);
  if (x === undefined || y === undefined) return unknown('a register that is one thing here and another there');
  return word(words.choose(condition(), x, y));
}

/** Whether it points to a struct of the kernel, or to a member. */
const isStruct = (value: Value): value is Pointer =>
  value.kind === 'pointer' && value.region.kind === 'kernel' && value.offset === 0 && value.index === undefined;

const isHeavy = (value: Value): boolean => value.kind === 'arithmetic' && value.heavy && value.bits === undefined;

/** The bits of a number, worked out; undefined for what is none. */
export function bitsOf(value: Value, words: Words): readonly Ref[] | undefined {
  if (value.kind === 'word') return value.bits;
  if (value.kind !== 'arithmetic') return undefined;
  if (value.bits !== undefined) return value.bits;
  const a = bitsOf(value.a, words) ?? [];
  const b = bitsOf(value.b, words) ?? [];
  value.bits = workOut(value.operation, a, b, value.width, words);
  return value.bits;
}

function workOut(
  operation: 'add' | 'sub' | 'and' | 'rsh',
  a: readonly Ref[],
  b: readonly Ref[],
  width: 32 | 64,
  words: Words,
): readonly Ref[] {
  switch (operation) {
    case 'add':
      return words.add(a, b, width);
    case 'sub':
      return words.subtract(a, b, width);
    case 'and':
      return words.and(a, b);
    case 'rsh':
      return words.shiftRight(
        slice(a, 0, width),
        b.reduce((sum, bit, i) => sum + (bit === 0 ? 1 << i : 0), 0),
      );
  }
}

/** Bytes that a load or store reads or writes. */
export function accessBytes(opcode: number): number {
  return ACCESS_BYTES[opcode & 0x18];
}

const ACCESS_BYTES: Readonly<Record<number, number>> = { [SIZE[1]]: 1, [SIZE[2]]: 2, [SIZE[4]]: 4, [SIZE[8]]: 8 };

/** What a store of `size` bytes leaves of a value: of a pointer, nothing but the whole is known. */
export function storedPart(value: Value | undefined, size: number, words: Words): Value {
  if (value === undefined) return unknown('a register that was not written');
  if (size === 8 || value.kind === 'unknown') return value;
  const bits = bitsOf(value, words);
  return bits === undefined ? unknown('a part of a pointer') : word(slice(bits, 0, size * 8));
}
