import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRule, printRule } from '../../../grammar/index.js';
import type { Family, TableName } from '../../../grammar/model/family.js';
import { MATCHES, TARGETS } from '../../../grammar/modules/index.js';

/** A case of iptables' own extension tests. */
interface Case {
  readonly id: string;
  readonly ext: string;
  readonly family: Family | 'both';
  readonly table: TableName;
  readonly chain: string;
  readonly rule: string;
  readonly expect: 'OK' | 'FAIL';
  readonly save: string | null;
}

const SHARED = process.env.IPT2BPF_SHARED;
const FILE = join(SHARED ?? '', 'iptables-t', 'cases.jsonl');
const READY = SHARED !== undefined && existsSync(FILE);

/** Cases that a reader of one rule cannot decide, by their rule or name, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  '-m set --match-set foo src,dst': 'refused because no set foo exists',
  '-j SET --add-set foo src,dst': 'refused because no set foo exists',
  'libip6t_eui64.t:8/OUTPUT': 'which hooks reach a module is looked at in whole dumps',
  '-p tcp -j TCPMSS --set-mss 42': 'refused because no other match of the rule tests for SYN',
};

function casesOfModules(): readonly Case[] {
  const known = new Set([...MATCHES, ...TARGETS].map(({ name }) => name));
  return readFileSync(FILE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): Case => JSON.parse(line))
    .filter(({ id, ext, rule }) => known.has(ext) && !(rule in EXCEPTIONS) && !(id in EXCEPTIONS));
}

/** The rule as saved, or its first error. */
function answer({ rule, table, chain }: Case, family: Family): string {
  const { rules, diagnostics } = parseRule(rule, { family, table, chain });
  const error = diagnostics.find(({ severity }) => severity === 'error');
  return error === undefined ? rules.map(printRule).join('\n') : `refused: ${error.message}`;
}

describe.skipIf(!READY)(`extension tests of iptables${READY ? '' : ' (needs IPT2BPF_SHARED)'}`, () => {
  const cases = READY ? casesOfModules() : [];
  for (const ext of [...new Set(cases.map((one) => one.ext))].sort()) {
    it(ext, () => {
      const got: string[] = [];
      const want: string[] = [];
      for (const one of cases.filter((other) => other.ext === ext)) {
        for (const family of one.family === 'both' ? (['v4', 'v6'] as const) : [one.family]) {
          const found = answer(one, family);
          const shown = one.expect === 'FAIL' && found.startsWith('refused') ? 'refused' : found;
          got.push(`${one.id} ${family} ${one.rule} → ${shown}`);
          want.push(`${one.id} ${family} ${one.rule} → ${one.expect === 'FAIL' ? 'refused' : (one.save ?? one.rule)}`);
        }
      }
      expect(got).toEqual(want);
    });
  }
});
