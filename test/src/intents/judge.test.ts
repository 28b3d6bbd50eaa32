import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { judgeIntents } from '../../../src/intents/judge.js';
import { intentsJunit, intentsTap } from '../../../src/intents/print.js';
import { readIntents } from '../../../src/intents/read.js';

const DUMP = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -m limit --limit 5/sec -j ACCEPT
-A INPUT -p udp -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p tcp -m tcp --dport 443 -j NFQUEUE --queue-num 1
COMMIT
`;

function judged(text: string) {
  const { ruleset } = parseDump(DUMP, { family: 'v4' });
  const { intents, diagnostics } = readIntents(text, 'v4');
  expect(diagnostics).toEqual([]);
  return judgeIntents(ruleset, intents, ({ place }) => ({ table: 'filter', chain: 'INPUT', ...place }));
}

const intent = (fields: Readonly<Record<string, string | undefined>>): string =>
  JSON.stringify({ intents: [{ name: 'x', ...fields }] });

const SSH = 'tcp port 22 state new';

describe('intents', () => {
  it.each([
    { packets: SSH, expect: 'accept', only: 'from 10.0.0.0/8', want: 'proved' },
    { packets: SSH, expect: 'accept', only: 'from 10.0.0.0/9', want: 'refuted' },
    { packets: SSH, expect: 'accept', except: 'not from 10.0.0.0/8', want: 'proved' },
    { packets: `${SSH} not from 10.0.0.0/8`, expect: 'drop', want: 'proved' },
    { packets: SSH, expect: 'accept', want: 'refuted' },
    { packets: 'tcp port 5432', expect: 'drop', want: 'refuted', note: expect.stringContaining('"state new"') },
    { packets: 'tcp port 5432 not state established', expect: 'drop', want: 'proved' },
    // What a limit says is not known: neither is certain.
    { packets: 'tcp port 80 state new', expect: 'accept', want: 'refuted' },
    { packets: 'tcp port 80 state new', expect: 'drop', want: 'refuted' },
    { packets: 'udp state new', expect: 'reject', want: 'proved' },
    { packets: 'udp state new', expect: 'blocked', want: 'proved' },
    { packets: 'udp state new', expect: 'drop', want: 'refuted' },
    // What stands behind a queue may accept.
    { packets: 'tcp port 443 state new', expect: 'blocked', want: 'refuted' },
    { packets: 'tcp port 443 state new', expect: 'accept', only: 'from 10.0.0.0/8', want: 'refuted' },
    {
      packets: 'tcp port 23 state new',
      expect: 'accept',
      only: 'from 10.0.0.0/8',
      want: 'proved',
      note: expect.any(String),
    },
    { packets: 'tcp out eth0', expect: 'drop', want: 'undecided' },
    { packets: 'all', chain: 'OUTPUT', expect: 'accept', want: 'proved' },
  ])('$packets: $expect, only $only: $want', ({ want, note, ...fields }) => {
    const [{ judgement }] = judged(intent(fields));
    expect(judgement.kind).toBe(want);
    expect('note' in judgement ? judgement.note : undefined).toEqual(note);
    if (judgement.kind === 'refuted') {
      expect(judgement.violations.map(({ example }) => example?.confirmed)).not.toContain(false);
    }
  });

  it('come out as TAP with YAML, and as JUnit', () => {
    const text = [
      'intents:',
      '  - {name: "a # b", packets: udp state new, expect: drop}',
      '  - {name: fine, packets: udp state new, expect: reject}',
      '  - {name: nothing, packets: tcp out eth0, expect: drop}',
    ].join('\n');
    const report = { dump: 'rules.v4', file: 'intents.yaml', judged: judged(text) };
    const tap = intentsTap(report);
    expect(tap.split('\n').filter((line) => /^\S/.test(line))).toEqual([
      'TAP version 14',
      '1..3',
      'not ok 1 - a \\# b',
      'ok 2 - fine',
      'not ok 3 - nothing',
    ]);
    const [first] = tap.match(/ {2}---\n[^]*? {2}\.\.\./) ?? [''];
    expect(parse(first.replace(/^.*\n|\n.*$/g, ''))).toMatchObject({
      at: 'intents.yaml:2',
      found: expect.stringContaining('REJECT ICMP-PORT-UNREACHABLE by rules.v4:8'),
      example: expect.stringContaining('udp '),
    });
    const xml = intentsJunit(report);
    expect(xml).toContain('tests="3" failures="1" errors="1"');
    expect(xml).toContain('name="fine"/>');
  });
});
