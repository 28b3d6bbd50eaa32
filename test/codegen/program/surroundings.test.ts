import { describe, expect, it } from 'vitest';
import { seesWholeDatagrams } from '../../../codegen/program/surroundings.js';
import { parseDump } from '../../../grammar/index.js';
import type { Family, BuiltinChain } from '../../../grammar/model/family.js';

describe('seesWholeDatagrams', () => {
  const plain = '*filter\n-A FORWARD -p tcp -j DROP\nCOMMIT\n';
  const state = '*filter\n-A FORWARD -m state --state NEW -j DROP\nCOMMIT\n';
  const helper = '*raw\n-A PREROUTING -p tcp -j CT --helper ftp\nCOMMIT\n';

  // The IPv4 raw case as iptables 1.8.9 on kernel 6.18 judged pieces; the rest by hook priorities (netfilter_ipv4/6.h).
  it.each<{ name: string; family: Family; chain: BuiltinChain; have: string; want: boolean }>([
    { name: 'IPv4 INPUT', family: 'v4', chain: 'INPUT', have: plain, want: true },
    { name: 'IPv6 INPUT', family: 'v6', chain: 'INPUT', have: plain, want: false },
    { name: 'FORWARD without connection tracking', family: 'v4', chain: 'FORWARD', have: plain, want: false },
    { name: 'FORWARD with a test of the state', family: 'v4', chain: 'FORWARD', have: state, want: true },
    { name: 'raw PREROUTING with target CT', family: 'v4', chain: 'PREROUTING', have: helper, want: true },
    { name: 'raw PREROUTING with target CT, IPv6', family: 'v6', chain: 'PREROUTING', have: helper, want: true },
  ])('$name: $want', ({ family, chain, have, want }) => {
    expect(seesWholeDatagrams(parseDump(have, { family }).ruleset, chain)).toBe(want);
  });
});
