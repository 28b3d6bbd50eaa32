import { describe, expect, it } from 'vitest';
import { proofText, type Judgement } from '../../../src/prove/report.js';
import { prove } from '../../../src/prove/prove.js';
import { crossingRules } from './crossing.js';
import { filterDump, jobOf } from './support.js';

describe('what is said of a proof', () => {
  const judgements: readonly { name: string; judgement: Judgement; want: string }[] = [
    { name: 'proved', judgement: { kind: 'proved', rules: 0, shapes: 0 }, want: 'proved: filter FORWARD at netfilter' },
    {
      name: 'not proved',
      judgement: { kind: 'not-proved', reason: 'test set' },
      want: 'not proved: filter FORWARD at netfilter, exact: test set',
    },
  ];
  it('says what may be proved instead where the reason is one of diagrams', () => {
    const rules = [...crossingRules(40, 3), '-A INPUT -p udp -m limit --limit 3/min -j ACCEPT'];
    const text = filterDump(rules);
    const help = 'in an object of --engine linear rules are proved one by one';
    for (const [engine, kind] of [
      ['dag', 'not-proved'],
      ['linear', 'proved'],
    ] as const) {
      const job = jobOf(text, { hook: 'netfilter', chain: 'INPUT', engine });
      const proof = prove(job);
      if (proof.kind === 'differs') throw new Error('it differs');
      expect(proof.kind).toBe(kind);
      expect(proofText({ job, judgement: proof }).includes(help)).toBe(engine === 'dag');
    }
  });

  it.each(judgements)('$name: names the one chain of an object of three', ({ judgement, want }) => {
    const one = jobOf(filterDump([]), { hook: 'netfilter', chain: 'FORWARD' });
    const [program] = one.manifest.programs;
    const programs = (['INPUT', 'FORWARD', 'OUTPUT'] as const).map((chain) => ({ ...program, chain }));
    const job = { ...one, manifest: { ...one.manifest, programs } };
    expect(proofText({ job, judgement }).split('\n')[0]).toMatch(new RegExp(`^${want}`));
  });

  it('says what to do where it is not proved', () => {
    const job = jobOf(filterDump([]), { hook: 'netfilter', chain: 'FORWARD' });
    const text = proofText({ job, judgement: { kind: 'not-proved', reason: 'test set' } });
    expect(text.split('\n')[1]).toMatch(/^ {2}the object may be right all the same: verify without --prove/);
  });
});
