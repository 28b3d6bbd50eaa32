import { describe, expect, it } from 'vitest';
import { analyse } from '../../../codegen/program/index.js';
import { refusals } from '../../../codegen/program/analysis.js';
import { isWireHook } from '../../../codegen/program/place.js';
import { PLACES, standingOf } from '../../../src/report/module-page.js';
import { MODULE_SAMPLES } from '../../../src/report/module-samples.js';
import { TARGET_SAMPLES } from '../../../src/report/target-samples.js';
import { rulesetOf } from '../../src/evaluate/helpers.js';

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

it('a host name that iptables cannot be asked for is refused with what stands in for it', () => {
  const nat = ['*nat', ':OUTPUT ACCEPT [0:0]', '-A OUTPUT -p tcp -j DNAT --to-destination 192.0.2.9', 'COMMIT'];
  const filter = ['*filter', ':OUTPUT ACCEPT [0:0]', '-A OUTPUT -d ntp.example.net -j ACCEPT', 'COMMIT'];
  const result = analyse(rulesetOf('v4', [...nat, ...filter]), { hook: 'netfilter', chain: 'OUTPUT' });
  if (!result.ok) throw new Error(result.diagnostics[0].message);
  const [{ message, hint }] = refusals(result.analysis);
  expect(message).toContain('iptables, which looks the name up, can be asked in front of tables mangle and nat alone');
  expect(hint).toBe('write its addresses, or keep iptables for this chain');
});
