import { describe, expect, it } from 'vitest';
import { isWireHook } from '../../../codegen/program/place.js';
import { PLACES, standingOf } from '../../../src/report/module-page.js';
import { MODULE_SAMPLES } from '../../../src/report/module-samples.js';
import { TARGET_SAMPLES } from '../../../src/report/target-samples.js';

const SAMPLES = [...MODULE_SAMPLES, ...TARGET_SAMPLES];

describe.each(PLACES)('what is refused at $title', (place) => {
  const refused = SAMPLES.flatMap((sample) =>
    sample.families.flatMap((family) => {
      const standing = standingOf(sample, place, family);
      return 'reason' in standing ? [{ words: sample.words, reason: standing.reason }] : [];
    }),
  );

  it('is told with its reason and what to do', () => {
    const bare = refused.filter(({ reason }) => / is not translated(?!: \w)|not translated: \(/.test(reason));
    expect(bare).toEqual([]);
    expect(
      refused.filter(({ reason }) => !/ \((?:use|keep|put|name|write|give|leave|list)[^()]+\)/.test(reason)),
    ).toEqual([]);
  });

  it.skipIf(isWireHook(place.hook))('is not told to use a mode that the hook has not', () => {
    expect(refused.filter(({ reason }) => reason.includes('--mode early'))).toEqual([]);
  });
});
