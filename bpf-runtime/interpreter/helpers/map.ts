import { HELPER } from '../../../codegen/bytecode/instruction.js';
import { Fault } from '../fault.js';
import { ERRNO, type KeyedMap } from '../maps/map.js';
import { RingMap } from '../maps/ring.js';
import { bytesIn, bytesOut, sizeIn, type Environment, type HelperTable } from './helper.js';

/** struct bpf_spin_lock. */
const LOCK_BYTES = 4;

/** kernel/bpf/helpers.c, kernel/bpf/ringbuf.c. */
export function mapHelpers(env: Environment): HelperTable {
  const { machine, cpu } = env;
  const { lo, hi, memory } = machine;
  return [
    [
      HELPER.map_lookup_elem,
      () => {
        const map = keyedMap(env);
        const slot = map.lookup(bytesIn(env, 2, map.spec.keySize));
        lo[0] = 0;
        hi[0] = 0;
        if (slot < 0) return;
        const { values } = map;
        hi[0] = memory.map(
          values.view(slot),
          values.offset(slot, cpu),
          values.valueSize,
          `a value of ${map.spec.name}`,
        );
      },
    ],
    [
      HELPER.map_update_elem,
      () => {
        const map = keyedMap(env);
        const key = bytesIn(env, 2, map.spec.keySize);
        const value = bytesIn(env, 3, map.spec.valueSize);
        const slot = hi[4] === 0 ? map.place(key, lo[4] >>> 0) : ERRNO.EINVAL;
        if (slot >= 0) map.values.bytes(slot, cpu).set(value);
        machine.answer(Math.min(slot, 0));
      },
    ],
    [
      HELPER.map_delete_elem,
      () => {
        const map = keyedMap(env);
        machine.answer(map.delete(bytesIn(env, 2, map.spec.keySize)));
      },
    ],
    [HELPER.spin_lock, () => takeLock(env, true)],
    [HELPER.spin_unlock, () => takeLock(env, false)],
    [
      HELPER.ringbuf_output,
      () => {
        const map = machine.mapIn(1);
        if (!(map instanceof RingMap)) throw new Fault('bad-argument', `map ${map.spec.name} is no ring buffer`);
        const data = bytesIn(env, 2, sizeIn(env, 3, true));
        machine.answer(hi[4] === 0 ? map.output(data, lo[4]) : ERRNO.EINVAL);
      },
    ],
  ];
}

function keyedMap({ machine }: Environment): KeyedMap {
  const map = machine.mapIn(1);
  if (map instanceof RingMap) throw new Fault('bad-argument', `map ${map.spec.name} has no keys`);
  return map;
}

/** A program runs by itself here: the lock is free, unless the program has taken it. */
function takeLock(env: Environment, taken: boolean): void {
  const lock = bytesOut(env, 1, LOCK_BYTES);
  if (lock[0] === (taken ? 1 : 0)) throw new Fault('bad-argument', `the lock is ${taken ? 'taken' : 'free'} already`);
  lock[0] = taken ? 1 : 0;
}
