import { ALU_OP, JMP_OP } from '../../../codegen/bytecode/instruction.js';
import { unknown, type Unknown } from '../value.js';
import { constantOf, type WalkValue } from './walk-value.js';

/**
 * A number that is worked out of what a look-up has found, before it is told which of its finds that is. To all that know
 * nothing of look-ups it is unknown.
 */
export interface Chosen extends Unknown {
  /** Which look-up. */
  readonly of: string;
  /** The number, of the u64 that was found. */
  readonly map: (found: bigint) => bigint;
  /** The number is the find shifted to the right by so many bits, and nothing else. */
  readonly shift: number | undefined;
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

/** What an ALU instruction makes of a find and a constant; undefined where neither operand is a find. */
export function computeChosen(
  operation: number,
  wide: boolean,
  a: WalkValue | undefined,
  b: WalkValue,
): WalkValue | undefined {
  const [x, y] = [asChosen(a), asChosen(b)];
  if (operation === ALU_OP.mov)
    return y === undefined ? undefined : wide ? b : moved(y, 'mov32', (value) => value & HALF);
  if (x === undefined && y === undefined) return undefined;
  const name = `${operation}${wide ? '' : ' of 32 bits'}`;
  const other = x === undefined ? a : b;
  const number = other === undefined ? undefined : constantOf(other);
  if (number === undefined) return unknown('a find and another number');
  const left = (p: bigint, q: bigint): bigint | undefined => alu(operation, wide, p, q);
  if (left(0n, 0n) === undefined) return unknown('arithmetic on a find');
  if (x === undefined)
    return y === undefined ? undefined : moved(y, `${number} ${name}`, (value) => left(number, value) ?? 0n);
  const shift =
    operation === ALU_OP.rsh && wide && x.shift !== undefined && number < 64n ? x.shift + Number(number) : undefined;
  return moved(x, `${name} ${number}`, (value) => left(value, number) ?? 0n, shift);
}

function moved(
  { of, why, map }: Chosen,
  name: string,
  change: (value: bigint) => bigint,
  shift: number | undefined = undefined,
): Chosen {
  return { kind: 'unknown', why: `${why} ${name}`, of, map: (value) => change(map(value)), shift };
}

const HALF = 0xffff_ffffn;

/** Undefined for operations that are not followed. */
function alu(operation: number, wide: boolean, a: bigint, b: bigint): bigint | undefined {
  const width = wide ? 64 : 32;
  const [x, y] = [BigInt.asUintN(width, a), BigInt.asUintN(width, b)];
  const by = y & BigInt(width - 1);
  const result = ((): bigint | undefined => {
    switch (operation) {
      case ALU_OP.add:
        return x + y;
      case ALU_OP.sub:
        return x - y;
      case ALU_OP.and:
        return x & y;
      case ALU_OP.or:
        return x | y;
      case ALU_OP.xor:
        return x ^ y;
      case ALU_OP.lsh:
        return x << by;
      case ALU_OP.rsh:
        return x >> by;
      case ALU_OP.arsh:
        return BigInt.asIntN(width, x) >> by;
      default:
        return undefined;
    }
  })();
  return result === undefined ? undefined : BigInt.asUintN(width, result);
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

/** The comparison with its operands the other way round. */
const MIRRORED: Readonly<Record<number, number>> = {
  [JMP_OP.jeq]: JMP_OP.jeq,
  [JMP_OP.jne]: JMP_OP.jne,
  [JMP_OP.jlt]: JMP_OP.jgt,
  [JMP_OP.jgt]: JMP_OP.jlt,
  [JMP_OP.jle]: JMP_OP.jge,
  [JMP_OP.jge]: JMP_OP.jle,
};
