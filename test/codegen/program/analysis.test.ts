import { describe, expect, it } from 'vitest';
import { analyse, refusals, type Analysis } from '../../../codegen/program/analysis.js';
import { compile } from '../../../codegen/program/index.js';
import { rejectFields } from '../../../codegen/program/reject/index.js';
import { FIELDS, type Field } from '../../../grammar/model/fields.js';
import { analysisOf, filterText, rulesetOf, type Place } from './rulesets.js';

const XDP: Place = { hook: 'xdp', chain: 'INPUT' };
const TC: Place = { hook: 'tc', chain: 'INPUT' };

const text = (...rules: readonly string[]): string => filterText({ userChains: ['WEB'], rules });

function table(name: string, chains: readonly string[], ...rules: readonly string[]): string {
  return [`*${name}`, ...chains.map((chain) => `:${chain} ACCEPT [0:0]`), ...rules, 'COMMIT', ''].join('\n');
}

describe('refusals of an exact object', () => {
  const KEEP = 'use --mode early and keep iptables behind it';
  // Rules stand from line 6 on.
  it.each<{ name: string; rules: readonly string[]; place?: Place; want: readonly (readonly [string, string])[] }>([
    {
      name: 'a connection state',
      rules: ['-A INPUT -m conntrack --ctstate NEW -j ACCEPT'],
      want: [
        [
          '6: rule 1 of chain INPUT cannot be decided exactly at xdp: the connection state is not known at xdp: conntrack looks at a packet later',
          KEEP,
        ],
      ],
    },
    {
      name: 'another test of the connection',
      rules: ['-A INPUT -j ACCEPT', '-A INPUT -m conntrack --ctproto 6 -j ACCEPT'],
      place: TC,
      want: [
        [
          '7: rule 2 of chain INPUT cannot be decided exactly at tc: the conntrack entry is not known at tc: conntrack looks at a packet later',
          KEEP,
        ],
      ],
    },
    {
      name: 'a match that is not understood',
      rules: ['-A INPUT -m connlimit --connlimit-above 9 --connlimit-mask 32 --connlimit-saddr -j DROP'],
      want: [
        [
          '6: rule 1 of chain INPUT cannot be decided exactly at xdp: match connlimit is not translated: the number of connections is known to conntrack alone',
          KEEP,
        ],
      ],
    },
    {
      name: 'a target that is not understood',
      rules: ['-A INPUT -j NFQUEUE --queue-num 3'],
      want: [
        [
          '6: rule 1 of chain INPUT cannot be decided exactly at xdp: target NFQUEUE is not translated: the packet waits for a process, which only the kernel lets it do',
          KEEP,
        ],
      ],
    },
    {
      name: 'a local address',
      rules: ['-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT'],
      want: [
        [
          "6: rule 1 of chain INPUT cannot be decided exactly at xdp: the type of a destination address is a question to the host's routes",
          'use --mode early, or write the addresses',
        ],
      ],
    },
    {
      name: 'a mark that XDP cannot write',
      rules: ['-A INPUT -j MARK --set-xmark 0x1/0xffffffff'],
      want: [
        [
          '6: rule 1 of chain INPUT cannot be decided exactly at xdp: a program at xdp cannot write the mark of a packet',
          'use --hook tc',
        ],
      ],
    },
    { name: 'which tc can', rules: ['-A INPUT -j MARK --set-xmark 0x1/0xffffffff'], place: TC, want: [] },
    {
      name: 'each reason of a rule once, each rule for itself',
      rules: [
        '-A INPUT -m conntrack --ctstate NEW -m state --state NEW -m connlimit --connlimit-above 9 --connlimit-mask 32 --connlimit-saddr -j WEB',
        '-A WEB -m state --state NEW -j NFQUEUE --queue-num 3',
      ],
      want: [
        [
          '6: rule 1 of chain INPUT cannot be decided exactly at xdp: the connection state is not known at xdp: conntrack looks at a packet later',
          KEEP,
        ],
        [
          '6: rule 1 of chain INPUT cannot be decided exactly at xdp: match connlimit is not translated: the number of connections is known to conntrack alone',
          KEEP,
        ],
        [
          '7: rule 1 of chain WEB cannot be decided exactly at xdp: the connection state is not known at xdp: conntrack looks at a packet later',
          KEEP,
        ],
        [
          '7: rule 1 of chain WEB cannot be decided exactly at xdp: target NFQUEUE is not translated: the packet waits for a process, which only the kernel lets it do',
          KEEP,
        ],
      ],
    },
    {
      name: 'not what no packet comes to',
      rules: ['-A FORWARD -j WEB', '-A WEB -m state --state NEW -j DROP'],
      want: [],
    },
    {
      name: 'not what stands behind a test that always fails',
      rules: ['-A INPUT -j WEB', '-A WEB -o eth0 -m state --state NEW -j DROP'],
      want: [],
    },
    { name: 'not a limit', rules: ['-A INPUT -m limit --limit 1/sec -j ACCEPT'], want: [] },
  ])('$name', ({ rules, place = XDP, want }) => {
    const have = refusals(analysisOf(text(...rules), place));
    expect(have.map(({ line, message, hint }) => [`${line}: ${message}`, hint])).toEqual(want);
    for (const { code, severity, column } of have)
      expect({ code, severity, column }).toEqual({ code: 'not-exact', severity: 'error', column: 1 });
    const compiled = compile(rulesetOf(text(...rules)), place);
    expect(compiled.ok).toBe(want.length === 0);
    if (!compiled.ok) expect(compiled.diagnostics.slice(0, have.length)).toEqual(have);
    // Early objects defer the same rules with the same reasons.
    const early = compile(rulesetOf(text(...rules)), { ...place, mode: 'early' });
    if (!early.ok) throw new Error('refused in early mode');
    const { deferred } = early.manifest;
    for (const { line, message } of have) {
      expect(deferred.some((rule) => rule.line === line && message.endsWith(`: ${rule.reason}`))).toBe(true);
    }
  });

  it('an early object defers a limit, too', () => {
    const [{ undecided, meaning }] = analysisOf(text('-A INPUT -m limit --limit 1/sec -j ACCEPT'), {
      ...XDP,
      mode: 'early',
    }).rules;
    expect(undecided).toEqual([
      { reason: 'a limit is spent by the packets that come to the rule itself', advice: 'use exact mode' },
    ]);
    expect(meaning.undecided).toBe(true);
  });

  it('a target alone that is not understood leaves the tests of its rule decided', () => {
    const [{ undecided, meaning }] = analysisOf(text('-A INPUT -p tcp -j NFQUEUE --queue-num 3'), {
      ...XDP,
      mode: 'early',
    }).rules;
    expect({ reasons: undecided.length, tests: meaning.undecided }).toEqual({ reasons: 1, tests: false });
  });
});

describe('what there is nothing to look at for', () => {
  const NAT = table('nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']);
  const RAW = table('raw', ['PREROUTING', 'OUTPUT'], '-A PREROUTING -p tcp -j DROP');
  const MANGLE = table(
    'mangle',
    ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
    '-A PREROUTING -p udp -j DROP',
  );
  it.each<{ name: string; text: string; place: Place; want: { code: string; message: string; hint?: string } }>([
    {
      name: 'POSTROUTING at XDP',
      text: MANGLE,
      place: { hook: 'xdp', chain: 'POSTROUTING', table: 'mangle' },
      want: {
        code: 'no-hook',
        message: 'XDP sees arriving packets alone; chain POSTROUTING is about leaving ones',
        hint: 'use --hook tc',
      },
    },
    {
      name: 'OUTPUT at XDP',
      text: text(),
      place: { hook: 'xdp', chain: 'OUTPUT' },
      want: {
        code: 'no-hook',
        message: 'XDP sees arriving packets alone; chain OUTPUT is about leaving ones',
        hint: 'use --hook tc',
      },
    },
    {
      name: 'table nat',
      text: NAT,
      place: { ...XDP, table: 'nat' },
      want: { code: 'no-hook', message: 'table nat stays with the kernel' },
    },
    {
      name: 'a table that is not there',
      text: RAW,
      place: XDP,
      want: { code: 'no-table', message: 'the dump has no table filter', hint: 'see --table' },
    },
    {
      name: 'a chain that the table has not',
      text: text(),
      place: { hook: 'xdp', chain: 'PREROUTING', table: 'filter' },
      want: { code: 'no-chain', message: 'table filter has no chain PREROUTING' },
    },
    {
      name: 'two tables with rules in PREROUTING',
      text: RAW + MANGLE,
      place: { hook: 'xdp', chain: 'PREROUTING' },
      want: {
        code: 'ambiguous-table',
        message: 'tables raw and mangle both have rules in PREROUTING',
        hint: 'say which with --table',
      },
    },
  ])('$name', ({ text: have, place, want }) => {
    const result = analyse(rulesetOf(have), place);
    expect(result).toMatchObject({ ok: false, diagnostics: [{ severity: 'error', ...want }] });
    if (!result.ok) expect(result.diagnostics[0].hint).toBe(want.hint);
    expect(compile(rulesetOf(have), place)).toEqual(result);
  });

  it.each([
    { name: 'the one with rules', text: table('raw', ['PREROUTING', 'OUTPUT']) + MANGLE, want: 'mangle' },
    { name: 'raw, if none has any', text: table('raw', ['PREROUTING', 'OUTPUT']), want: 'raw' },
    { name: 'raw', text: RAW, want: 'raw' },
  ])('PREROUTING without a table means $name', ({ text: have, want }) => {
    expect(analysisOf(have, { hook: 'xdp', chain: 'PREROUTING' }).table).toBe(want);
  });
});

describe('what packets meet beside the rules', () => {
  const length = '-A INPUT -m length --length 0:100 -j DROP';
  const device = '-A INPUT -i eth0 -j DROP';
  it.each<{ name: string; rules: readonly string[]; place?: Partial<Place>; want: Partial<Analysis> }>([
    {
      name: 'fragments are judged',
      rules: ['-A INPUT -p tcp -j DROP'],
      want: { fragments: 'judge', vlan: 'judge', reject: 'answer', mode: 'exact' },
    },
    {
      name: 'dropped where the length of the whole is asked',
      rules: [length],
      want: { fragments: 'drop', reassembled: true },
    },
    {
      name: 'judged where the chain sees pieces',
      rules: ['-A FORWARD -m length --length 0:100 -j DROP'],
      place: { chain: 'FORWARD' },
      want: { fragments: 'judge', reassembled: false },
    },
    { name: 'passed by early objects', rules: [length], place: { mode: 'early' }, want: { fragments: 'pass' } },
    { name: 'as asked for', rules: [length], place: { fragments: 'judge' }, want: { fragments: 'judge' } },
    { name: 'VLAN frames are dropped where devices are named', rules: [device], want: { vlan: 'drop' } },
    { name: 'passed by early objects then', rules: [device], place: { mode: 'early' }, want: { vlan: 'pass' } },
    { name: 'as asked for, too', rules: [device], place: { vlan: 'judge' }, want: { vlan: 'judge' } },
  ])('$name', ({ rules, place, want }) => {
    expect(analysisOf(text(...rules), { ...XDP, ...place })).toMatchObject(want);
  });

  it('dropping fragments is told', () => {
    expect(analysisOf(text(length), XDP).warnings).toMatchObject([
      {
        code: 'fragments-dropped',
        severity: 'warning',
        message: 'chain INPUT tests the length of whole datagrams: fragments are dropped',
        hint: 'choose with --fragments judge|drop|pass',
      },
    ]);
    expect(analysisOf(text(length), { ...XDP, fragments: 'drop' }).warnings).toEqual([]);
  });
});

describe('fields that the program reads', () => {
  it.each<{ name: string; rules: readonly string[]; place?: Place; want: readonly Field[] }>([
    { name: 'none for no rule', rules: [], want: [] },
    { name: 'what rules test', rules: ['-A INPUT -s 192.0.2.1/32 -m ttl --ttl-lt 5 -j DROP'], want: ['saddr', 'ttl'] },
    { name: 'not what the hook folds', rules: ['-A INPUT -m mark --mark 0x0 -j DROP'], want: [] },
    { name: 'not what another chain tests', rules: ['-A FORWARD -s 192.0.2.1/32 -j DROP'], want: [] },
    {
      name: 'what a log line shows, with the device',
      rules: ['-A INPUT -j LOG'],
      want: ['iif', 'saddr', 'daddr', 'proto', 'fragoff', 'tos', 'ttl', 'sport', 'dport', 'mark'],
    },
    { name: 'not in early objects', rules: ['-A INPUT -j LOG'], place: { ...XDP, mode: 'early' }, want: [] },
    {
      name: 'the mark where it is set',
      rules: ['-A INPUT -j MARK --set-xmark 0x1/0xffffffff'],
      place: TC,
      want: ['mark'],
    },
  ])('$name', ({ rules, place = XDP, want }) => {
    const { used } = analysisOf(text(...rules), place);
    expect((Object.keys(FIELDS) as Field[]).filter((field) => used.has(field))).toEqual(want);
  });

  it('what an answer of REJECT needs, a drop does not', () => {
    const rule = text('-A INPUT -j REJECT');
    const asks = (reject: 'answer' | 'drop'): ReadonlySet<Field> =>
      analysisOf(rule, { ...XDP, family: 'v6', reject }).used;
    expect(asks('answer')).toEqual(new Set(rejectFields('v6')));
    expect(asks('answer').size).toBeGreaterThan(0);
    expect(asks('drop').size).toBe(0);
  });
});

describe('other tables', () => {
  const MANGLE = (...rules: readonly string[]): string =>
    table('mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'], ...rules);
  const DNAT = table(
    'nat',
    ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
    '-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.9:80',
  );

  it('a mark set on the way makes tests of it undecided', () => {
    const marked =
      MANGLE('-A PREROUTING -p tcp -j MARK --set-xmark 0x1/0xffffffff') + text('-A INPUT -m mark --mark 0x1 -j DROP');
    const [diagnostic] = refusals(analysisOf(marked, TC));
    expect(diagnostic.message).toContain('the mark is set after this hook (table mangle, chain PREROUTING, line 7)');
  });

  it.each([
    ['mangle', 'INPUT', '-A PREROUTING -j MARK --set-xmark 0x1/0x1', '-A INPUT -m mark --mark 0x1 -j DROP', 'mark'],
    ['mangle', 'OUTPUT', '-A POSTROUTING -j MARK --set-xmark 0x1/0x1', '-A OUTPUT -m mark --mark 0x1 -j DROP', 'mark'],
    ['filter', 'INPUT', '-A PREROUTING -j TTL --ttl-set 5', '-A INPUT -m ttl --ttl-eq 5 -j DROP', 'ttl'],
    ['filter', 'INPUT', '-A INPUT -j TTL --ttl-set 5', '-A INPUT -m ttl --ttl-eq 5 -j DROP', 'ttl'],
    [
      'filter',
      'OUTPUT',
      '-A POSTROUTING -j TOS --set-tos 0x04/0xff',
      '-A OUTPUT -m tos --tos 0x04/0xff -j DROP',
      'tos',
    ],
    [
      'filter',
      'FORWARD',
      '-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
      '-A FORWARD -p tcp -m tcpmss --mss 0:500 -j DROP',
      'length',
    ],
  ] as const)('%s %s: what is changed between hook and chain is not known: %s', (name, chain, change, rule, what) => {
    const both = name === 'mangle' ? MANGLE(change, rule) : MANGLE(change) + text(rule);
    const [diagnostic] = refusals(analysisOf(both, { hook: 'tc', chain, table: name }));
    expect(diagnostic.message).toMatch(
      what === 'mark' ? /the mark is set after this hook/ : `chain: ${what} (table mangle`,
    );
    // What is not asked for may change.
    const other =
      name === 'mangle' ? MANGLE(change, `-A ${chain} -j DROP`) : MANGLE(change) + text(`-A ${chain} -j DROP`);
    expect(refusals(analysisOf(other, { hook: 'tc', chain, table: name }))).toEqual([]);
  });

  it('early: a chain that sets the mark itself does not know it either', () => {
    const own = text('-A INPUT -j MARK --set-xmark 0x1/0xffffffff', '-A INPUT -m mark --mark 0x1 -j DROP');
    expect(refusals(analysisOf(own, TC))).toEqual([]);
    const { rules } = analysisOf(own, { ...TC, mode: 'early' });
    expect(rules[1].undecided).toEqual([
      { reason: 'the mark is set after this hook (a MARK rule of this chain)', advice: 'use --mode early' },
    ]);
  });

  it('exact: rewritten addresses and drops before are warned of, with their lines', () => {
    const both = MANGLE('-A PREROUTING -p udp -j DROP') + DNAT + text('-A INPUT -p tcp -m tcp --dport 80 -j DROP');
    const { warnings, assumptions } = analysisOf(both, XDP);
    expect(warnings.map(({ line, code }) => [line, code])).toEqual([
      [14, 'other-table'],
      [7, 'other-table'],
    ]);
    expect(assumptions).toEqual(warnings.map(({ message }) => message));
  });

  it('exact: addresses that no rule tests need no warning', () => {
    expect(analysisOf(DNAT + text('-A INPUT -p tcp -j DROP'), XDP).warnings).toEqual([]);
  });

  it('early: the other chain is asked, too, and told', () => {
    const early = analysisOf(DNAT + text('-A INPUT -p tcp -j DROP', '-A FORWARD -j WEB'), { ...XDP, mode: 'early' });
    expect(early.reachable.alternative?.name).toBe('FORWARD');
    expect(early.alternativePolicy).toBe('ACCEPT');
    expect(early.warnings).toMatchObject([
      {
        code: 'addresses-rewritten',
        message:
          'addresses are rewritten (table nat, chain PREROUTING, line 6): a packet is judged without what may be rewritten, and dropped only if chain FORWARD would drop it, too',
      },
    ]);
  });

  it('early without rewriting has one chain', () => {
    const early = analysisOf(text('-A INPUT -p tcp -j DROP'), { ...XDP, mode: 'early' });
    expect(early.reachable.alternative).toBeUndefined();
    expect(early.warnings).toEqual([]);
  });
});
