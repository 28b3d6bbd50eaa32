import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { TableName } from '../../../grammar/model/family.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { diffPackets } from '../../../src/diff/packets.js';
import { compareChains } from '../../../src/space/compare.js';

interface Row {
  readonly name: string;
  readonly table?: TableName;
  /** The last rule is the one that the two sides have otherwise: accepted on one, dropped on the other. */
  readonly rules: readonly string[];
  readonly want: 'different' | 'same';
}

const INPUT = '-A INPUT -m connmark --mark 0x1';
const STATE = '-A PREROUTING -m conntrack --ctstate UNTRACKED';
const FULL = '--nfmask 0xffffffff --ctmask 0xffffffff';

/** Behind a target that changes what a test reads, the answer may be another one than before it. */
const ROWS: readonly Row[] = [
  { name: 'nothing between two tests', rules: [`${INPUT} -j DROP`, INPUT], want: 'same' },
  {
    name: 'CONNMARK sets the mark',
    rules: [`${INPUT} -j DROP`, '-A INPUT -j CONNMARK --set-mark 1', INPUT],
    want: 'different',
  },
  {
    name: 'CONNMARK sets it for other packets',
    rules: [`${INPUT} -j DROP`, '-A INPUT -p udp -j CONNMARK --set-mark 1', `${INPUT} -p tcp`],
    want: 'same',
  },
  {
    name: 'CONNMARK sets it in a chain of its own',
    rules: [`${INPUT} -j DROP`, '-A INPUT -j own', '-A own -j CONNMARK --set-mark 1', INPUT],
    want: 'different',
  },
  {
    name: 'the mark is saved',
    rules: [`${INPUT} -j DROP`, `-A INPUT -j CONNMARK --save-mark ${FULL}`, INPUT],
    want: 'different',
  },
  {
    name: 'a mark is restored again',
    rules: [
      `-A INPUT -j CONNMARK --restore-mark ${FULL}`,
      '-A INPUT -m mark --mark 1 -j DROP',
      '-A INPUT -j CONNMARK --set-mark 1',
      `-A INPUT -j CONNMARK --restore-mark ${FULL}`,
      '-A INPUT -m mark --mark 1',
    ],
    want: 'different',
  },
  {
    name: 'a mark is restored twice from the same',
    rules: [
      `-A INPUT -j CONNMARK --restore-mark ${FULL}`,
      '-A INPUT -m mark --mark 1 -j DROP',
      `-A INPUT -j CONNMARK --restore-mark ${FULL}`,
      '-A INPUT -m mark --mark 1',
    ],
    want: 'same',
  },
  {
    name: 'a part of a mark is restored into another mark',
    rules: [
      '-A INPUT -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff',
      '-A INPUT -m mark --mark 0x100 -j DROP',
      '-A INPUT -j MARK --set-mark 0x100',
      '-A INPUT -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff',
      '-A INPUT -m mark --mark 0x100',
    ],
    want: 'different',
  },
  { name: 'nothing between two states', table: 'raw', rules: [`${STATE} -j DROP`, STATE], want: 'same' },
  {
    name: 'CT changes the state',
    table: 'raw',
    rules: [`${STATE} -j DROP`, '-A PREROUTING -j CT --notrack', STATE],
    want: 'different',
  },
  {
    name: 'NOTRACK changes the state',
    table: 'raw',
    rules: [`${STATE} -j DROP`, '-A PREROUTING -j NOTRACK', STATE],
    want: 'different',
  },
  {
    name: 'a target that is not known',
    rules: [
      '-A INPUT -m conntrack --ctstate INVALID -j DROP',
      '-A INPUT -p tcp -j SYNPROXY',
      '-A INPUT -m conntrack --ctstate INVALID',
    ],
    want: 'different',
  },
];

const HEADS: Readonly<Partial<Record<TableName, string>>> = {
  filter: ':INPUT ACCEPT [0:0]\n:own - [0:0]',
  raw: ':PREROUTING ACCEPT [0:0]',
};

function dump(table: TableName, rules: readonly string[]): Ruleset {
  const text = [`*${table}`, HEADS[table], ...rules, 'COMMIT', ''].join('\n');
  const { ruleset, diagnostics } = parseDump(text, { family: 'v4' });
  expect(diagnostics).toEqual([]);
  return ruleset;
}

describe('what targets change', () => {
  it.each(ROWS)('$name', async ({ table = 'filter', rules, want }) => {
    const ending = (target: string): Ruleset => dump(table, [...rules.slice(0, -1), `${rules.at(-1)} -j ${target}`]);
    const chain = table === 'raw' ? 'PREROUTING' : 'INPUT';
    for (const strict of [false, true]) {
      const { pairs } = await compareChains(ending('ACCEPT'), ending('DROP'), { table, chain, strict });
      const told = pairs.filter(({ before, after }) => before.verdict === 'accept' && after.verdict === 'drop');
      expect(told.length > 0, strict ? 'strict' : '').toBe(want === 'different');
    }
  });

  it('CT lets every packet go on', async () => {
    const rules = ['-A PREROUTING -p udp -j CT --notrack'];
    const { pairs } = await compareChains(dump('raw', rules), dump('raw', []), { table: 'raw', chain: 'PREROUTING' });
    expect(pairs).toEqual([]);
  });
});

/** Who judges examples knows which targets go on, and does not guess at what they change. */
const EXAMPLES = [
  { rules: ['-A INPUT -j AUDIT --type accept', '-A INPUT -p tcp'], confirmed: true },
  { rules: ['-A INPUT -j CONNMARK --set-mark 1', '-A INPUT -p tcp'], confirmed: true },
  { rules: ['-A INPUT -p tcp -j CONNMARK --set-mark 1', '-A INPUT -m conntrack --ctstate NEW'], confirmed: true },
  { rules: ['-A INPUT -j TEE --gateway 192.0.2.1', '-A INPUT -g own', '-A own -p tcp'], confirmed: true },
  { rules: ['-A INPUT -j CONNMARK --set-mark 1', '-A INPUT -m connmark --mark 0x1'], confirmed: false },
  { rules: [`-A INPUT -j CONNMARK --restore-mark ${FULL}`, '-A INPUT -m mark --mark 1'], confirmed: false },
  { rules: ['-A INPUT -p tcp -j SYNPROXY', '-A INPUT -p tcp'], confirmed: false },
  { table: 'raw', rules: ['-A PREROUTING -p udp -j CT --notrack', '-A PREROUTING -s 192.0.2.0/24'], confirmed: true },
  { table: 'raw', rules: ['-A PREROUTING -j NOTRACK', '-A PREROUTING -p tcp'], confirmed: true },
  { table: 'raw', rules: ['-A PREROUTING -j CT --notrack', STATE], confirmed: false },
] as const;

describe('an example behind a target', () => {
  it.each(EXAMPLES)('$rules: confirmed $confirmed', async ({ rules, confirmed, ...where }) => {
    const table = 'table' in where ? where.table : 'filter';
    const ending = (target: string): Ruleset => dump(table, [...rules.slice(0, -1), `${rules.at(-1)} -j ${target}`]);
    const chain = table === 'raw' ? 'PREROUTING' : 'INPUT';
    const { changes } = await diffPackets(ending('ACCEPT'), ending('DROP'), { table, chain });
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.map(({ example }) => example?.confirmed ?? false)).toContain(confirmed);
    if (confirmed) expect(changes.map(({ example }) => example?.confirmed)).not.toContain(false);
  });
});
