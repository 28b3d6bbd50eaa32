import { describe, expect, it } from 'vitest';
import { freeProbeGroups, probeRules, readSighting } from '../../../bpf-runtime/netfilter/probes.js';

describe('probes around the judged hooks', () => {
  it('take groups that the ruleset does not name', () => {
    const ruleset = '-A INPUT -j NFLOG --nflog-group 4001\n-A INPUT -j NFLOG --nflog-group 4003\n';
    expect(freeProbeGroups(ruleset)).toEqual({ sightings: 4002, replies: 4004, passed: 4005 });
  });

  it('have one prefix for each thing that they can see, which reads back', () => {
    const text = probeRules('v6', { sightings: 7, replies: 8, passed: 7 }, 0);
    const prefixes = [...text.matchAll(/log prefix "(\d+)" group 7$/gm)].map(([, prefix]) => Number(prefix));
    expect(new Set(prefixes).size).toBe(prefixes.length);
    const seen = prefixes.map(readSighting);
    expect(seen).toHaveLength(24);
    expect(seen).not.toContain(undefined);
    expect(seen).toContainEqual({ kind: 'arrives', chain: 'FORWARD', state: 'RELATED' });
    expect(seen).toContainEqual({ kind: 'arrives', chain: 'OUTPUT', state: 'DNAT' });
    expect(seen).toContainEqual({ kind: 'passes', chain: 'INPUT' });
    expect([8, 18, 50, 99].map(readSighting)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
