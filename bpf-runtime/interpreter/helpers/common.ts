import { HELPER } from '../../../codegen/bytecode/instruction.js';
import { ERRNO } from '../maps/map.js';
import { bytesOut, sizeIn, type Environment, type HelperTable } from './helper.js';

const DEFAULT_HZ = 250;
const NS_PER_MILLISECOND = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

/** Helpers of all program types: time, random numbers, kernel memory. */
export function commonHelpers(env: Environment): HelperTable {
  const { machine } = env;
  const time = (): void => machine.set(0, env.clock().nanoseconds);
  return [
    [HELPER.ktime_get_ns, time],
    [HELPER.ktime_get_coarse_ns, time],
    [HELPER.ktime_get_tai_ns, () => machine.set(0, env.clock().tai ?? BigInt(Date.now()) * NS_PER_MILLISECOND)],
    [
      HELPER.jiffies64,
      () => {
        const { nanoseconds, hz = DEFAULT_HZ } = env.clock();
        machine.set(0, jiffies(nanoseconds, BigInt(hz)));
      },
    ],
    [
      HELPER.get_prandom_u32,
      () => {
        machine.lo[0] = env.random();
        machine.hi[0] = 0;
      },
    ],
    [HELPER.get_smp_processor_id, () => machine.answer(env.cpu)],
    [HELPER.probe_read_kernel, () => probeReadKernel(env)],
  ];
}

/** jiffies_64 starts five minutes before the low 32 bits wrap (INITIAL_JIFFIES in include/linux/jiffies.h). */
function jiffies(nanoseconds: bigint, hz: bigint): bigint {
  return BigInt.asUintN(32, -300n * hz) + (nanoseconds * hz) / NS_PER_SECOND;
}

/** bpf_probe_read_kernel_common (kernel/trace/bpf_trace.c): where nothing can be read, zeros and −EFAULT. */
function probeReadKernel(env: Environment): void {
  const { machine } = env;
  const size = sizeIn(env, 2, true);
  const to = bytesOut(env, 1, size);
  const from = size === 0 ? to : machine.memory.probe(machine.hi[3], machine.lo[3], size);
  if (from === undefined) to.fill(0);
  else to.set(from);
  machine.answer(from === undefined ? ERRNO.EFAULT : 0);
}
