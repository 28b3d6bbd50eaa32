import { ALU_OP, JMP_OP } from '../../../codegen/bytecode/instruction.js';
import { unsupported } from '../unprovable.js';
import { unknown, type Unknown } from '../value.js';
import { MIRRORED } from './concrete.js';
import { constantOf, exactly, type WalkValue } from './walk-value.js';

/**
 * A number that is worked out of what a look-up has found, before it is told which of its finds that is. To all that know
 * nothing of look-ups it is unknown.
 */
export interface Chosen extends Unknown {
  /** Which look-up. */
  readonly of: string;
  /** The number, of the u64 that was found. */
  readonly map: (found: WalkValue) => WalkValue;
  /** The number is the find shifted to the right by so many bits, and nothing else. */
  readonly shift: number | undefined;
  /** The number is this bit of the find. */
  readonly bit?: number;
}

/** The find itself. */
export function found(of: string): Chosen {
  return { ...unknown(`what ${of} has found`), of, map: (value) => value, shift: 0 };
}

export function asChosen(value: WalkValue | undefined): Chosen | undefined {
  return value?.kind === 'unknown' && 'of' in value ? (value as Chosen) : undefined;
}

/** Whether finds that lie between two numbers, both with them, are those for which a jump is taken, or those for which it is not. */
export interface FoundTest {
  readonly of: string;
  readonly lo: bigint;
  readonly hi: bigint;
  readonly inverted: boolean;
}

/** An instruction on numbers, as any other value of the walk is worked out. */
export type Compute = (operation: number, wide: boolean, a: WalkValue | undefined, b: WalkValue) => WalkValue;

/** What an ALU instruction makes of a find and a constant; undefined where neither operand is a find. */
export function computeChosen(
  compute: Compute,
  operation: number,
  wide: boolean,
  a: WalkValue | undefined,
  b: WalkValue,
): WalkValue | undefined {
  const [x, y] = [asChosen(a), asChosen(b)];
  if (operation === ALU_OP.mov && y !== undefined)
    return wide ? b : moved(y, 'mov32', (value) => compute(operation, wide, undefined, value));
  if (operation === ALU_OP.mov || (x === undefined && y === undefined)) return undefined;
  const name = `${operation}${wide ? '' : ' of 32 bits'}`;
  const other = x === undefined ? a : b;
  const number = other === undefined ? undefined : constantOf(other);
  const only = x ?? y;
  if (operation === ALU_OP.add && wide && other?.kind === 'pointer' && only !== undefined) {
    return moved(only, `in ${other.region.kind} ${other.region.name} from ${other.offset} on`, (value) =>
      compute(operation, wide, other, value),
    );
  }
  if (other === undefined || number === undefined) return unknown('a find and another number');
  if (x === undefined)
    return y === undefined
      ? undefined
      : moved(y, `${number} ${name}`, (value) => compute(operation, wide, other, value));
  const shift =
    operation === ALU_OP.rsh && wide && x.shift !== undefined && number < 64n ? x.shift + Number(number) : undefined;
  const bit = operation === ALU_OP.and && wide && number === 1n ? x.shift : undefined;
  const result = moved(x, `${name} ${number}`, (value) => compute(operation, wide, value, other), shift);
  const withBit: Chosen = { ...result, ...(bit === undefined ? {} : { bit }) };
  return withBit;
}

export function moved(
  { of, why, map }: Chosen,
  name: string,
  change: (value: WalkValue) => WalkValue,
  shift: number | undefined = undefined,
): Chosen {
  return { kind: 'unknown', why: `${why} ${name}`, of, map: (value) => change(map(value)), shift };
}

/** What is worked out of this find. */
export function told({ map }: Chosen, find: bigint): WalkValue {
  const value = map(exactly(find));
  if (constantOf(value) === undefined) throw unsupported('arithmetic on a find that comes to no number');
  return value;
}

/** The bit of a find by which a jump is taken, and whether it is where the bit is set; undefined where that is not what it asks. */
export function bitOf(
  operation: number,
  a: WalkValue,
  b: WalkValue,
): { readonly of: string; readonly bit: number; readonly set: boolean } | undefined {
  const chosen = asChosen(a);
  if (chosen?.bit === undefined || constantOf(b) !== 0n) return undefined;
  if (operation !== JMP_OP.jeq && operation !== JMP_OP.jne) return undefined;
  return { of: chosen.of, bit: chosen.bit, set: operation === JMP_OP.jne };
}

/** What a jump asks of a find; undefined where that is not whether it lies between two numbers. */
export function testOf(operation: number, wide: boolean, a: WalkValue, b: WalkValue): FoundTest | undefined {
  const [x, y] = [asChosen(a), asChosen(b)];
  const chosen = x ?? y;
  const bound = constantOf(x === undefined ? a : b);
  if (!wide || chosen?.shift === undefined || bound === undefined) return undefined;
  const { of } = chosen;
  const shift = BigInt(chosen.shift);
  const upTo = (last: bigint, inverted: boolean): FoundTest => ({
    of,
    lo: 0n,
    hi: ((last + 1n) << shift) - 1n,
    inverted,
  });
  switch (x === undefined ? MIRRORED[operation] : operation) {
    case JMP_OP.jeq:
    case JMP_OP.jne:
      return { ...upTo(bound, operation === JMP_OP.jne), lo: bound << shift };
    case JMP_OP.jlt:
      return upTo(bound - 1n, false);
    case JMP_OP.jge:
      return upTo(bound - 1n, true);
    case JMP_OP.jle:
      return upTo(bound, false);
    case JMP_OP.jgt:
      return upTo(bound, true);
    default:
      return undefined;
  }
}
