import { describe, expect, it } from 'vitest';
import type { AloneMeasurement } from '../../bench/measurement.js';
import { isDisturbed, lessDisturbed, quietOf } from '../../bench/quiet.js';

const compiled: AloneMeasurement['compiled'] = {
  chain: 'INPUT',
  mode: 'exact',
  engines: 'linear',
  work: [],
  parseMs: 0,
  compileMs: 0,
  loadMs: 0,
  processed: 0,
  machineBytes: 0,
  mapBytes: 0,
  objectBytes: 0,
  peakMiB: 0,
};

/** Twelve samples: the floors, each so many times, and a program that takes so much more. */
function measured(
  floors: readonly (readonly [ns: number, times: number])[],
  above: number,
  where: 'xdp' | 'tc' = 'xdp',
) {
  const floor = floors.flatMap(([ns, times]) => Array.from({ length: times }, () => ns));
  const own = { floor, samples: floor.map((ns) => ns + above) };
  return { where, kind: 'fw', rules: 10, turn: own, random: own, compiled } satisfies AloneMeasurement;
}

describe('what neighbours disturb', () => {
  const quiet = measured([[40, 12]], 50);
  const busy = measured([[46, 12]], 70);
  const mostlyQuiet = measured(
    [
      [44, 11],
      [60, 1],
    ],
    55,
  );
  const mostlyBusy = measured(
    [
      [40, 4],
      [46, 8],
    ],
    60,
  );
  const elsewhere = measured([[46, 12]], 30, 'tc');
  const all = [quiet, busy, mostlyQuiet, mostlyBusy, elsewhere];
  it.each([
    { name: 'nothing', one: quiet, disturbed: false, samples: 12 },
    { name: 'all of it', one: busy, disturbed: true, samples: undefined },
    { name: 'one sample', one: mostlyQuiet, disturbed: false, samples: 11 },
    { name: 'most of it', one: mostlyBusy, disturbed: true, samples: undefined },
    { name: 'nothing, where the floor is higher at this hook', one: elsewhere, disturbed: false, samples: 12 },
  ])('$name', ({ one, disturbed, samples }) => {
    expect(isDisturbed(one, all)).toBe(disturbed);
    expect(quietOf(one, 'turn', all)?.samples.length).toBe(samples);
  });

  it('the lower floor tells which measurement is kept, not what was measured', () => {
    const slow = measured([[40, 12]], 90);
    expect(lessDisturbed(busy, slow)).toBe(slow);
    expect(lessDisturbed(slow, busy)).toBe(slow);
  });
});
