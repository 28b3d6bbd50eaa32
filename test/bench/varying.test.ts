import { describe, expect, it } from 'vitest';
import { doingNothing, driven, fillFrames, ROUND, setOrder, type Order } from '../../bench/varying.js';
import { loadPrograms } from '../../bpf-runtime/kernel/raw-load.js';

const root = process.getuid?.() === 0;
const BYTES = 64;

/** Numbers of the frames that the runs see behind the first one: each frame says its own. */
function drawn(runs: number, order: Order): readonly number[] {
  const loaded = loadPrograms(driven(doingNothing('xdp')));
  try {
    const [program] = [...loaded.programs.values()];
    const numbered = (index: number): Uint8Array =>
      Uint8Array.of(...new Uint8Array(BYTES - 2), index & 255, index >> 8);
    fillFrames(
      loaded,
      Array.from({ length: ROUND }, (_, index) => numbered(index)),
    );
    setOrder(loaded, order);
    return Array.from({ length: runs }, () => {
      const { data } = program.testRun({ data: new Uint8Array(BYTES) });
      return data[BYTES - 2] + 256 * data[BYTES - 1];
    });
  } finally {
    loaded.close();
  }
}

describe.skipIf(!root)(`the packets that a program is measured with${root ? '' : ' (needs root)'}`, () => {
  it('in turn: round and round', () => {
    const want = Array.from({ length: ROUND + 2 }, (_, run) => (run + 1) % ROUND);
    expect(drawn(ROUND + 2, 'turn')).toEqual(want);
  });

  it('at random: as the generator draws them, others in the second round', () => {
    let state = 0n;
    const want = Array.from({ length: 2 * ROUND }, () => {
      state = BigInt.asUintN(32, state * 1_664_525n + 1_013_904_223n);
      return Number(state >> 20n);
    });
    const have = drawn(2 * ROUND, 'random');
    expect(have).toEqual(want);
    expect(have.slice(ROUND)).not.toEqual(have.slice(0, ROUND));
  });
});
