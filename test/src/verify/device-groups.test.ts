import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import type { BuiltinChain, Family } from '../../../grammar/model/family.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { groupsToTry } from '../../../src/verify/device-groups.js';
import { verify } from '../../../src/verify/verify.js';
import { filterTable } from '../evaluate/helpers.js';

const able =
  process.getuid?.() === 0 && ['ip', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));
const engines = ['interpreter', ...(able ? (['kernel', 'iptables'] as const) : [])] as const;

/** Bits of a value outside of its mask, groups that `ip` cannot give, both ends of a packet's way. */
const TEXT = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
:sub - [0:0]
-A INPUT -m devgroup --src-group 0x7 -j ACCEPT
-A INPUT -m devgroup ! --src-group 0x20/0xf0 -p udp -j sub
-A INPUT -i eth1 -m devgroup --src-group default -j ACCEPT
-A INPUT -m devgroup --src-group 0x80000001/0x8000000f -j DROP
-A INPUT -m devgroup ! --src-group 0xffffffff -p tcp -j ACCEPT
-A FORWARD -m devgroup ! --src-group 0x7 --dst-group 0x9/0xf -j ACCEPT
-A FORWARD -m devgroup --src-group 0x7 ! --dst-group 0x21/0xf0 -j DROP
-A FORWARD -m devgroup ! --dst-group 0x30/0xf3 -p tcp -j ACCEPT
-A OUTPUT -m devgroup --dst-group 0x7 -j ACCEPT
-A OUTPUT -o eth1 -j DROP
-A OUTPUT -m devgroup ! --dst-group 0x23/0xf0 -p udp -j ACCEPT
-A sub -m devgroup --src-group 0x31/0x3 -j ACCEPT
COMMIT
`;

const CASES: readonly { readonly family: Family; readonly hook: 'xdp' | 'tc'; readonly chain: BuiltinChain }[] = [
  { family: 'v4', hook: 'xdp', chain: 'INPUT' },
  { family: 'v6', hook: 'tc', chain: 'INPUT' },
  { family: 'v6', hook: 'xdp', chain: 'FORWARD' },
  { family: 'v4', hook: 'tc', chain: 'FORWARD' },
  { family: 'v4', hook: 'tc', chain: 'OUTPUT' },
];

describe(`groups of devices${able ? '' : ' (kernel and iptables not asked without root, ip or iptables)'}`, () => {
  it.each(CASES)('verdicts and counters, $family at $hook, chain $chain', async ({ family, hook, chain }) => {
    const { ruleset } = parseDump(TEXT, { family });
    const packets = generatePackets(ruleset, { table: 'filter', chain, count: 200, seed: 7 });
    const result = await verify(ruleset, TEXT, packets, { chain, hook, engines });
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
    expect(result.engines.map(({ engine, skipped }) => ({ engine, skipped }))).toEqual(
      engines.map((engine) => ({ engine, skipped: undefined })),
    );
    for (const { mismatches, verdicts, notes } of result.engines) {
      expect(mismatches).toEqual([]);
      expect(Math.min(verdicts.accept, verdicts.drop)).toBeGreaterThan(5);
      expect(notes.join()).toMatch(/counters of all rules|all counters/);
    }
  });

  it('early objects drop by them', async () => {
    const rules = ['-A INPUT -m helper --helper ftp -j ACCEPT', '-A INPUT -m devgroup --src-group 0x7 -j ACCEPT'];
    const ruleset = filterTable('v4', rules, 'DROP');
    const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: 200, seed: 7 });
    const plain = filterTable('v4', rules.slice(1), 'DROP');
    const how = { chain: 'INPUT', hook: 'xdp', mode: 'early', engines: ['interpreter'] } as const;
    for (const { have, drops } of [
      { have: ruleset, drops: false },
      { have: plain, drops: true },
    ]) {
      const result = await verify(have, '', packets, how);
      if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
      const [{ verdicts, mismatches }] = result.engines;
      expect(mismatches).toEqual([]);
      expect(verdicts.drop > 20).toBe(drops);
    }
  });

  it.each([
    { hook: 'cgroup', chain: 'INPUT', words: '--src-group 0x7' },
    { hook: 'cgroup', chain: 'OUTPUT', words: '--dst-group 0x7' },
    { hook: 'socket', chain: 'INPUT', words: '--src-group 0x7' },
  ] as const)('refused at $hook, chain $chain', ({ hook, chain, words }) => {
    const result = compile(filterTable('v4', [`-A ${chain} -m devgroup ${words} -j ACCEPT`]), { hook, chain });
    expect(result.diagnostics.map(({ message }) => message).join()).toMatch(/programs at sockets do not read it/);
  });

  it('devices are of groups inside and outside of each test, as far as ip can give them', () => {
    const test = { name: 'devgroup', which: 'in', value: 0xf1, mask: 0xfc } as const;
    const groups = groupsToTry([{ condition: { kind: 'not', of: { kind: 'opaque', test } } }]);
    expect(groups).toEqual([0, 0xf1, 0x7ffffff2, 0xf5]);
  });
});
