import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRule, printRule, type Diagnostic } from '../../../grammar/index.js';
import type { Family, TableName } from '../../../grammar/model/family.js';
import { MATCHES, TARGETS } from '../../../grammar/modules/index.js';

/** A case of iptables' own extension tests (iptables 1.8.11). */
interface Case {
  readonly id: string;
  readonly ext: string;
  readonly family: Family | 'both';
  readonly table: TableName;
  readonly chain: string;
  readonly rule: string;
  readonly expect: 'OK' | 'FAIL';
  readonly save: string | null;
  /** Commands that ran before. */
  readonly setup: readonly string[];
  /** What iptables 1.8.9 made of it, where it was asked. */
  readonly tool?: { readonly accepts: boolean; readonly saved: string | null; readonly agrees: boolean };
}

const SHARED = process.env.IPT2BPF_SHARED;
const FILE = join(SHARED ?? '', 'iptables-t', 'cases.jsonl');
const READY = SHARED !== undefined && existsSync(FILE);

function readCases(): readonly Case[] {
  return readFileSync(FILE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): Case => JSON.parse(line));
}

function families({ family }: Case): readonly Family[] {
  return family === 'both' ? ['v4', 'v6'] : [family];
}

/** Accounting objects that the commands before the case make; left out where there are none. */
function accounts({ setup }: Case): { readonly accounts?: readonly string[] } {
  const made = setup.flatMap((command) => /nfacct add (\S+)/.exec(command)?.[1] ?? []);
  return made.length === 0 ? {} : { accounts: made };
}

type Answer = { readonly saved: string } | { readonly refused: Diagnostic };

function answer(one: Case, family: Family): Answer {
  const { rule, table, chain } = one;
  const { rules, diagnostics } = parseRule(rule, { family, table, chain, ...accounts(one) });
  const refused = diagnostics.find(({ severity }) => severity === 'error');
  return refused === undefined ? { saved: rules.map(printRule).join('\n') } : { refused };
}

function shown(found: Answer, { expect: outcome }: Case): string {
  if ('saved' in found) return found.saved;
  return outcome === 'FAIL' ? 'refused' : `refused: ${found.refused.message}`;
}

/** Whether the message names a word of the rule. */
function isAbout({ message }: Diagnostic, { rule, ext }: Case): boolean {
  const words = rule.split(/[\s"]+/).filter((word) => word.length > 1);
  return [...words, ext].some((word) => message.includes(word));
}

describe.skipIf(!READY)(`extension tests of iptables${READY ? '' : ' (needs IPT2BPF_SHARED)'}`, () => {
  const cases = READY ? readCases() : [];
  for (const ext of [...new Set(cases.map((one) => one.ext))].sort()) {
    it(ext, () => {
      const mine = cases.filter((one) => one.ext === ext);
      const got: string[] = [];
      const want: string[] = [];
      for (const one of mine) {
        for (const family of families(one)) {
          const title = `${one.id} ${family} ${one.rule} →`;
          got.push(`${title} ${shown(answer(one, family), one)}`);
          want.push(`${title} ${one.expect === 'FAIL' ? 'refused' : (one.save ?? one.rule)}`);
        }
      }
      expect(got).toEqual(want);
    });
  }

  it('every message says what it is about', () => {
    const silent = cases.flatMap((one) =>
      families(one).flatMap((family) => {
        const found = answer(one, family);
        return 'refused' in found && !isAbout(found.refused, one) ? [`${one.rule}: ${found.refused.message}`] : [];
      }),
    );
    expect(silent).toEqual([]);
  });

  it('every module is there', () => {
    const known = new Set([...MATCHES, ...TARGETS].map(({ name }) => name));
    const missing = new Set(cases.map(({ ext }) => ext).filter((ext) => !known.has(ext) && !CORE.includes(ext)));
    expect([...missing]).toEqual([]);
  });

  it('what the installed tool contradicts has a reason', () => {
    const contradicted = cases.filter(({ tool }) => tool?.agrees === false);
    const unexplained = contradicted.filter((one) => !CONTRADICTED.some(({ is }) => is(one)));
    expect(unexplained.map(({ id, rule, tool }) => `${id} ${rule} → ${tool?.saved ?? 'refused'}`)).toEqual([]);
  });
});

/** Files of the suite that are about no module. */
const CORE = ['iptables', 'standard'];

/** Cases of which iptables 1.8.9 on the kernel that was asked thinks otherwise, with its answer. 1.8.11 counts. */
const CONTRADICTED: readonly { readonly why: string; readonly is: (one: Case) => boolean }[] = [
  {
    why: '1.8.9 forgets an inverted test of the whole range: saved without the option',
    is: ({ rule, tool }) =>
      / ! --(?:ahspi|fragid|mh-type|rt-segsleft|espspi|ipcompspi|[sd]port) :$/.test(rule) &&
      tool?.saved === rule.replace(/ ! --\S+ :$/, ''),
  },
  {
    why: '1.8.9 takes ranges that end before they start: saved as written',
    is: ({ rule, tool }) => / 4:3$/.test(rule) && tool?.saved === rule,
  },
  {
    why: '1.8.9 forgets "! -i +": saved as an empty rule',
    is: ({ rule, tool }) => rule === '! -i +' && tool?.saved === '',
  },
  {
    why: '1.8.9 saves type 255/255 as any',
    is: ({ rule, tool }) => rule.endsWith('--icmp-type 255/255') && tool?.saved?.endsWith('any') === true,
  },
  {
    why: '1.8.9 does not know the type and refuses it',
    is: ({ rule, tool }) => rule.includes('--icmpv6-type mld-listener-') && tool?.accepts === false,
  },
  {
    why: '1.8.9 takes values glued to core options for values of another kind and refuses them',
    is: ({ rule, tool }) => /^(?:--protocol=|-ptcp )/.test(rule) && tool?.accepts === false,
  },
  {
    why: '1.8.9 ends an open range of queues at 65535: saved so, and refused from 0 on',
    is: ({ rule, tool }) =>
      /--queue-balance 4?:$/.test(rule) && (tool?.accepts === false || tool?.saved?.endsWith(':65535') === true),
  },
  {
    why: '1.8.9 takes protocol 0: saved as written',
    is: ({ rule, tool }) => rule === '-m conntrack --ctproto 0' && tool?.saved === rule,
  },
  { why: 'the kernel has no LEDs: refused', is: ({ ext, tool }) => ext === 'LED' && tool?.accepts === false },
  { why: 'the kernel has no IPVS: refused', is: ({ ext, tool }) => ext === 'ipvs' && tool?.accepts === false },
];
