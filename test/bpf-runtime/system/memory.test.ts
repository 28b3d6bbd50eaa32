import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { allocate, setPointer } from '../../../bpf-runtime/system/memory.js';

/** The garbage collector, to be run at once. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

test('what a pointer points to lives as long as the memory with the pointer', async () => {
  const collect = collector();
  const attr = allocate(16);
  const pointedTo = new WeakRef(pointAt(attr));
  const forgotten = new WeakRef(allocate(8));
  // A weak reference is strong until the end of the task that made it.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collect();
  expect(forgotten.deref()).toBeUndefined();
  expect(pointedTo.deref()).toBeDefined();
  expect(attr.view.getBigUint64(8, true)).toBe(BigInt(pointedTo.deref()?.address ?? 0));
  setPointer(attr, 8, undefined);
  expect(attr.view.getBigUint64(8, true)).toBe(0n);
});

function pointAt(attr: ReturnType<typeof allocate>): ReturnType<typeof allocate> {
  const target = allocate(8);
  setPointer(attr, 8, target);
  return target;
}
