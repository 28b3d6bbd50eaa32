import { describe, expect, it } from 'vitest';
import { parseDump, parseRule, printRule } from '../../../grammar/index.js';
import { not, opaque } from '../../../grammar/model/condition.js';

const rows: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
  { name: 'an empty file', text: '', want: [] },
  { name: 'comments', text: '# a\n\n# b\n', want: [] },
  { name: 'a table', text: '*filter\nCOMMIT\n', want: [] },
  { name: 'no table, told once', text: '-A INPUT\n:X - [0:0]\n-A INPUT\n*nat\nCOMMIT\n', want: ['1:1 no-table'] },
  { name: 'a rule after COMMIT', text: '*nat\nCOMMIT\n-A OUTPUT\n-A OUTPUT\n', want: ['3:1 no-table'] },
  { name: 'COMMIT twice', text: '*nat\nCOMMIT\nCOMMIT\n', want: ['3:1 no-table'] },
  { name: 'a table in a table', text: '*nat\n*filter\n-A INPUT\nCOMMIT\n', want: ['2:1 table-not-closed'] },
  { name: 'no COMMIT', text: '*nat\n', want: ['2:1 table-not-closed'] },
  { name: 'no newline after COMMIT', text: '*nat\nCOMMIT', want: ['2:1 bad-commit'] },
  {
    name: 'a table that does not exist',
    text: '*fitler\n-A X\nCOMMIT\n-A Y\n',
    want: ['1:2 bad-table', '4:1 no-table'],
  },
  { name: 'a table without a name', text: '* \nCOMMIT\n', want: ['1:1 bad-table'] },
  { name: 'a chain without a policy', text: '*nat\n:OUTPUT\nCOMMIT\n', want: ['2:2 bad-chain-line'] },
  { name: 'a chain without a name', text: '*nat\n: \nCOMMIT\n', want: ['2:1 bad-chain-line'] },
  {
    name: 'all errors of a file',
    text: '*nat\n-A OUTPUT -q\n-A OUTPUT -j X\nCOMMIT \n*x\nCOMMIT',
    want: ['2:11 unknown-option', '3:14 unknown-target', '4:1 bad-commit', '5:2 bad-table', '6:1 bad-commit'],
  },
  {
    name: 'faults of one rule',
    text: '*filter\n-A INPUT -s 1.1.1.1/33 -i abcdefghijklmnop -p tcp --dport x -j DROP\nCOMMIT\n',
    want: ['2:13 bad-address', '2:27 bad-interface', '2:59 bad-value'],
  },
  {
    name: 'a comment behind a rule',
    text: '*filter\n-A INPUT -j DROP # why\nCOMMIT\n',
    want: ['2:18 indented-comment'],
  },
  {
    name: 'an interface that cannot be',
    text: '*filter\n-A INPUT -i a/b\nCOMMIT\n',
    want: ['2:13 odd-interface (warning)'],
  },
  {
    name: 'CR LF',
    text: '*filter\r\n:X - [0:0]\r\n-A X -j DROP\r\n-A X -j NOPE\r\nCOMMIT\r\n',
    want: ['1:8 crlf', '4:9 unknown-target'],
  },
  { name: 'a byte order mark', text: '\ufeff*filter\n-A INPUT -j DROP\nCOMMIT\n', want: ['1:1 byte-order-mark'] },
];

describe('faults of a file', () => {
  it.each(rows)('$name', ({ text, want }) => {
    const told = parseDump(text).diagnostics.map(
      ({ line, column, code, severity }) => `${line}:${column} ${code}${severity === 'error' ? '' : ` (${severity})`}`,
    );
    expect(told).toEqual(want);
  });

  it('names the file', () => {
    expect(parseDump('x', { file: 'a.v4' }).diagnostics[0].file).toBe('a.v4');
  });

  it.each([
    ['an unknown option', '-A INPUT -p tcp --syyn', 'did you mean --syn?'],
    [
      'an option before its module',
      '-A INPUT --icmp-type 8 -p icmp',
      'it belongs to -p icmp, which must stand before it',
    ],
    [
      'an option before its target',
      '-A INPUT --reject-with tcp-reset -j REJECT',
      'it belongs to -j REJECT, which must stand before it',
    ],
    ['an unknown match', '-A INPUT -m contrack', 'did you mean conntrack?'],
    ['a target in small letters', '-A INPUT -j accept', 'did you mean ACCEPT?'],
    ['an unknown chain', '-A INPTU -j ACCEPT', 'did you mean INPUT?'],
    ['a chain to be declared', '-A INPUT -j mine', 'declare the chain before its first use: ":mine - [0:0]"'],
    ['a misplaced !', '-A INPUT -s ! 10.0.0.0/8', 'write ! -s 10.0.0.0/8'],
    ['a glued value', '-A INPUT --protocol=tcp', 'write --protocol tcp'],
    [
      'a host name',
      '-A INPUT -s localhost',
      'iptables asks /etc/hosts or a name service while loading; write 127.0.0.1, or declare the name',
    ],
    ['single quotes', "-A INPUT -m comment --comment 'a b'", 'only straight double quotes (") keep words together'],
  ])('helps with %s', (_name, line, hint) => {
    expect(parseDump(`*filter\n${line}\nCOMMIT\n`).diagnostics.map((each) => each.hint)).toEqual([hint]);
  });
});

describe('a line with very many errors', () => {
  it('is read to the twelfth', () => {
    const { diagnostics } = parseDump(`*filter\n-A INPUT ${'-p tcp '.repeat(50)}\nCOMMIT\n`);
    expect(diagnostics.map(({ code }) => code)).toEqual(Array.from({ length: 12 }, () => 'repeated-option'));
  });
});

describe('what is too much', () => {
  const filter = (...lines: readonly string[]): string => `*filter\n${lines.join('\n')}\nCOMMIT\n`;
  const codesOf = (text: string): readonly string[] => parseDump(text).diagnostics.map(({ code }) => code);
  const nested = (depth: number): string => {
    const all = Array.from({ length: depth }, (_, i) => i);
    const jumps = all.slice(1).map((i) => `-A C${i - 1} -j C${i}`);
    return filter(...all.map((i) => `:C${i} - [0:0]`), '-A INPUT -j C0', ...jumps);
  };

  it.each([
    { name: 'chains 1,000 deep', have: nested(1000), want: [] },
    { name: 'chains 1,001 deep', have: nested(1001), want: ['chain-too-deep'] },
    { name: 'chains 8,000 deep', have: nested(8000), want: ['chain-too-deep'] },
  ])('of nesting is refused by name: $name', ({ have, want }) => {
    expect(codesOf(have)).toEqual(want);
  });

  it('of rules is refused by name, though few lines hold them', () => {
    const addresses = Array.from({ length: 100 }, (_, i) => `1.1.1.${i}`).join(',');
    const lines = Array<string>(51).fill(`-A INPUT -s ${addresses} -d ${addresses}`);
    const { ruleset, diagnostics } = parseDump(filter(...lines, '-A INPUT -j nowhere'));
    expect(diagnostics.map(({ code, line }) => ({ code, line }))).toEqual([{ code: 'too-many-rules', line: 52 }]);
    expect(ruleset.tables[0].chains[0].rules).toHaveLength(510_000);
  });
});

describe('no half rules', () => {
  const lines = [
    '-A INPUT -s 10.0.0.0/33 -j ACCEPT',
    '-A INPUT -s 10.0.0.1,x_example -j ACCEPT',
    '-A INPUT -p tcp --dport 1:0 -j ACCEPT',
    '-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with nothing',
    '-I INPUT -m mark -j DROP',
    '[x] -A INPUT -j ACCEPT',
    '-A INPUT -j ACCEPT \r',
  ];
  it.each(lines)('%j', (line) => {
    const { ruleset, diagnostics } = parseDump(`*filter\n${line}\n-A INPUT -j DROP\nCOMMIT\n`);
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(ruleset.tables[0].chains[0].rules.map(printRule)).toEqual(['-j DROP']);
  });
});

describe('host names', () => {
  const dump = '*filter\n-A INPUT -s good.example,1.1.1.1/24 -j ACCEPT\nCOMMIT\n';
  const opaqueTest = (...words: readonly string[]) => opaque({ name: 'module', module: 'host name', words });

  it('are not looked up', () => {
    const { ruleset, diagnostics } = parseDump(dump);
    expect(diagnostics.map(({ severity, code, column }) => [severity, code, column])).toEqual([
      ['warning', 'host-name', 13],
    ]);
    expect(ruleset.tables[0].chains[0].rules.map(printRule)).toEqual([
      '-s good.example -j ACCEPT',
      '-s 1.1.1.0/24 -j ACCEPT',
    ]);
  });

  it.each([
    { have: '-s 6bone.net', want: opaqueTest('-s', '6bone.net') },
    { have: '! -d ntp.example.net', want: not(opaqueTest('-d', 'ntp.example.net')) },
    { have: '-d ntp.example.net/24', want: opaqueTest('-d', 'ntp.example.net/24') },
    { have: '-s localhost', want: opaqueTest('-s', 'localhost') },
    { have: '-s a.b-c.x1', want: opaqueTest('-s', 'a.b-c.x1') },
  ])('$have is a test that nobody can answer', ({ have, want }) => {
    const { ruleset } = parseDump(`*filter\n-A INPUT ${have} -j ACCEPT\nCOMMIT\n`);
    expect(ruleset.tables[0].chains[0].rules.map(({ head }) => head)).toEqual([want]);
    expect(ruleset.tables[0].chains[0].rules.map(printRule)).toEqual([`${have} -j ACCEPT`]);
  });

  it.each(['<private_ip>', '10.0.0.256', '1.2.3.4.5', '-x.example', 'x-.example', 'a..b', 'a_b', 'x.0', '2001:db8::1'])(
    '%s is none',
    (text) => {
      const { diagnostics } = parseDump(`*filter\n-A INPUT -s ${text} -j ACCEPT\nCOMMIT\n`, { family: 'v4' });
      expect(diagnostics.map(({ severity, code }) => [severity, code])).toEqual([['error', 'bad-address']]);
    },
  );

  it('no IPv4 address is one in an IPv6 file', () => {
    const { diagnostics } = parseDump('*filter\n-A INPUT -s 192.0.2.1\nCOMMIT\n', { family: 'v6' });
    expect(diagnostics.map(({ severity, code }) => [severity, code])).toEqual([['error', 'bad-address']]);
  });

  it('stand for the addresses that the caller declares', () => {
    const hosts = new Map([['good.example', ['192.0.2.1', '2001:db8::1', '192.0.2.2']]]);
    const { ruleset, diagnostics } = parseDump(dump, { hosts });
    expect(diagnostics).toEqual([]);
    const sources = ['192.0.2.1/32', '192.0.2.2/32', '1.1.1.0/24'];
    expect(ruleset.tables[0].chains[0].rules.map(printRule)).toEqual(sources.map((source) => `-s ${source} -j ACCEPT`));
  });
});

describe('warnings', () => {
  it.each(['-A INPUT -i eth/0 -j DROP', '-A INPUT -s a.example -j DROP'])('%s keeps its rule', (line) => {
    const { ruleset, diagnostics } = parseDump(`*filter\n${line}\nCOMMIT\n`);
    expect(diagnostics.map(({ severity }) => severity)).toEqual(['warning']);
    expect(ruleset.tables[0].chains[0].rules.map(printRule)).toEqual([line.slice('-A INPUT '.length)]);
  });
});

describe('ranges that end before they start', () => {
  const rule = '-p udp -m udp --dport 60000:29 -j ACCEPT';

  it.each(['iptables-save v1.4.14', 'iptables-save v1.8.9 (nf_tables)', 'ip6tables-save v1.8.7 on Fri Jul 25'])(
    'are kept in a dump of %s, and hold nothing',
    (tool) => {
      const { ruleset, diagnostics } = parseDump(`# Generated by ${tool}\n*filter\n-A INPUT ${rule}\nCOMMIT\n`);
      expect(diagnostics.map(({ severity, code, column }) => [severity, code, column])).toEqual([
        ['warning', 'reversed-range', 32],
      ]);
      const rules = ruleset.tables[0].chains[0].rules;
      expect(rules.map(printRule)).toEqual([rule]);
      expect(JSON.stringify(rules[0].matches[0].condition, bigints)).toContain('"field":"dport","set":[]');
    },
  );

  it.each([
    '',
    '# Generated by iptables-save v1.8.10',
    '# Generated by iptables-save v1.8.11 (nf_tables)',
    '# iptables-save v1.4.14',
  ])('are refused below the header "%s"', (header) => {
    const { diagnostics } = parseDump(`${header}\n*filter\n-A INPUT ${rule}\nCOMMIT\n`);
    expect(diagnostics.map(({ severity, code }) => [severity, code])).toEqual([['error', 'bad-value']]);
  });

  it.each(['-p tcp -m tcp --dport 60000:29', '-p udp -m udp --dport 60000:29:1', '-p udp -m udp --dport 60000:x'])(
    '%s is none that any version took',
    (text) => {
      const { diagnostics } = parseDump(`# Generated by iptables-save v1.4.14\n*filter\n-A INPUT ${text}\nCOMMIT\n`);
      expect(diagnostics.map(({ code }) => code)).toEqual(['bad-value']);
    },
  );

  it('are refused in a rule of its own', () => {
    const place = { family: 'v4', table: 'filter', chain: 'INPUT' } as const;
    expect(parseRule(rule, place).diagnostics.map(({ code }) => code)).toEqual(['bad-value']);
  });
});

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

describe('the ruleset', () => {
  it('has all built-in chains first, whatever the order of the lines', () => {
    const { ruleset } = parseDump('*filter\n:b - [0:0]\n:OUTPUT DROP [3:4]\n:a - [0:0]\nCOMMIT\n');
    expect(ruleset.tables[0].chains.map(({ name, policy, counters }) => ({ name, policy, counters }))).toEqual([
      { name: 'INPUT', policy: 'ACCEPT', counters: undefined },
      { name: 'FORWARD', policy: 'ACCEPT', counters: undefined },
      { name: 'OUTPUT', policy: 'DROP', counters: { packets: 3n, bytes: 4n } },
      { name: 'b', policy: undefined, counters: undefined },
      { name: 'a', policy: undefined, counters: undefined },
    ]);
  });

  it('starts a table that comes again anew, but keeps its policies', () => {
    const { ruleset } = parseDump('*filter\n:INPUT DROP\n:X -\n-A INPUT\nCOMMIT\n*filter\n-A OUTPUT -j DROP\nCOMMIT\n');
    const chains = ruleset.tables.map(({ chains: all }) =>
      all.map((each) => [each.name, each.policy, each.rules.length]),
    );
    expect(chains).toEqual([
      [
        ['INPUT', 'DROP', 0],
        ['FORWARD', 'ACCEPT', 0],
        ['OUTPUT', 'ACCEPT', 1],
      ],
    ]);
  });

  it('keeps where a rule stands, its text and its counters', () => {
    const { ruleset } = parseDump('*filter\n[5:300]  -A INPUT  -s 10/8 \n-A INPUT -c 1 2\nCOMMIT\n');
    const rules = ruleset.tables[0].chains[0].rules.map(({ range, source, counters }) => ({ range, source, counters }));
    expect(rules).toEqual([
      {
        range: { line: 2, column: 10, length: 17 },
        source: '-A INPUT  -s 10/8',
        counters: { packets: 5n, bytes: 300n },
      },
      { range: { line: 3, column: 1, length: 15 }, source: '-A INPUT -c 1 2', counters: { packets: 1n, bytes: 2n } },
    ]);
  });

  it.each([
    ['# Generated by iptables-save v1.8.9 (nf_tables) on x', 'nft'],
    ['# Generated by iptables-save v1.8.9 on x', 'legacy'],
    ['# Generated by xtables-save v1.8.2', 'nft'],
    ['# Warning: iptables-legacy tables present, use iptables-legacy-save to see them', 'nft'],
    ['# mine', 'unknown'],
  ])('says which tool printed it: %s', (comment, want) => {
    expect(parseDump(`${comment}\n*filter\nCOMMIT\n`).ruleset.dialect).toBe(want);
  });

  it.each([
    ['# Generated by ip6tables-save v1.8.9\n*filter\nCOMMIT\n', 'a.v4', 'v6'],
    ['# Generated by iptables-save v1.8.9\n*filter\nCOMMIT\n', undefined, 'v4'],
    ['*filter\nCOMMIT\n', 'rules.v6', 'v6'],
    ['*filter\n-A INPUT -s fe80::/10 -j DROP\nCOMMIT\n', 'rules', 'v6'],
    ['*filter\n-A INPUT -s 10.0.0.0/8 -p ipv6-icmp -j DROP\nCOMMIT\n', 'rules', 'v4'],
    ['*filter\n-A INPUT -p ipv6-icmp -j DROP\nCOMMIT\n', undefined, 'v6'],
    ['*filter\n# -s fe80::1\nCOMMIT\n', undefined, 'v4'],
  ])('guesses the family of %j in %s', (text, file, want) => {
    expect(parseDump(text, { file }).ruleset.family).toBe(want);
  });
});

describe('parseRule', () => {
  const place = { family: 'v4', table: 'filter', chain: 'INPUT', chains: ['mine'] } as const;

  it.each([
    ['', ['']],
    ['-s 1.1.1.1,2.2.2.2 -j mine', ['-s 1.1.1.1/32 -j mine', '-s 2.2.2.2/32 -j mine']],
    ['-p tcp --dport 22 -g mine', ['-p tcp -m tcp --dport 22 -g mine']],
  ])('%j', (text, want) => {
    const { rules, diagnostics } = parseRule(text, place);
    expect({ rules: rules.map(printRule), diagnostics }).toEqual({ rules: want, diagnostics: [] });
  });

  it.each([
    ['-j other', 'unknown-target'],
    ['-o eth0', 'interface-at-hook'],
    ['*filter', 'bad-argument'],
    ['# x', 'bad-argument'],
  ])('refuses %j', (text, code) => {
    const { rules, diagnostics } = parseRule(text, place);
    expect([rules, diagnostics.map((each) => each.code)]).toEqual([[], [code]]);
  });
});
