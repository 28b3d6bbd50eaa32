import { indexKey } from './array-key.js';
import { createArray, createMapArray } from './create.js';

/**
 * Returns when every program that was running at the call has ended: what was changed before is then seen by all. A map
 * in an array of maps is changed, for which the kernel waits (maybe_wait_bpf_programs of kernel/bpf/syscall.c; Linux 5.0
 * and newer); it takes a few milliseconds. Sleepable programs are not waited for.
 */
export function waitForPrograms(): void {
  const inner = createArray(4, 1);
  const outer = createMapArray(1, inner);
  try {
    outer.update(indexKey(0), indexKey(inner.fd));
  } finally {
    outer.close();
    inner.close();
  }
}
