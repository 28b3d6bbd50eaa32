import { HELPER } from '../../../codegen/bytecode/instruction.js';
import { addSums, foldTo16, sumBytes } from '../checksum.js';
import { Fault } from '../fault.js';
import { ERRNO } from '../maps/map.js';
import { bytesIn, bytesOut, requireContext, sizeIn, type Environment, type HelperTable } from './helper.js';

/** sizeof(struct bpf_fib_lookup). */
const FIB_PARAMS_BYTES = 64;
/** BPF_FIB_LOOKUP_DIRECT, OUTPUT, SKIP_NEIGH, TBID, SRC, MARK. */
const FIB_FLAGS = 0x3f;

/** Helpers of XDP and tc alike (net/core/filter.c). */
export function networkHelpers(env: Environment): HelperTable {
  return [
    [HELPER.fib_lookup, () => fibLookup(env)],
    [HELPER.csum_diff, () => checksumDifference(env)],
  ];
}

function fibLookup(env: Environment): void {
  const { machine, fib } = env;
  requireContext(env);
  const size = sizeIn(env, 3, false);
  const flags = machine.lo[4];
  bytesIn(env, 2, size);
  const params = bytesOut(env, 2, size);
  if (size < FIB_PARAMS_BYTES || (flags & ~FIB_FLAGS) !== 0) return machine.answer(ERRNO.EINVAL);
  if (fib === undefined) throw new Fault('not-provided', 'no routes: the machine was given no fib');
  machine.answer(fib(params.subarray(0, FIB_PARAMS_BYTES), flags));
}

/**
 * bpf_csum_diff: the sum of `to` less that of `from`, folded to 16 bits as since Linux 6.13 (before, it need not be).
 * Sizes that are no multiples of 4 are refused as before it: a program that runs on both has none.
 */
function checksumDifference(env: Environment): void {
  const { machine } = env;
  const fromSize = sizeIn(env, 2, true);
  const toSize = sizeIn(env, 4, true);
  if ((fromSize | toSize) % 4 !== 0) return machine.answer(ERRNO.EINVAL);
  const seed = machine.lo[5];
  const from = bytesIn(env, 1, fromSize);
  const to = bytesIn(env, 3, toSize);
  machine.answer(foldTo16(difference(from, to, seed)));
}

function difference(from: Uint8Array, to: Uint8Array, seed: number): number {
  if (to.length === 0) return from.length === 0 ? seed : ~sumBytes(from, ~seed);
  const added = sumBytes(to, seed);
  return from.length === 0 ? added : addSums(added, ~sumBytes(from, 0));
}
