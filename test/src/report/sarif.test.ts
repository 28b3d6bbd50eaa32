import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { diffSarif } from '../../../src/diff/print.js';
import { diffDumps } from '../../../src/diff/rules.js';
import { diffRulesets } from '../../../src/diff/rulesets.js';
import { sarifLog, type Finding } from '../../../src/report/sarif.js';

const SCHEMA = '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json';
const schema: object = JSON.parse(readFileSync(createRequire(import.meta.url).resolve(SCHEMA), 'utf8'));
const valid = new Ajv({
  schemaId: 'auto',
  allErrors: true,
  unknownFormats: 'ignore',
  meta: false,
  validateSchema: false,
});

const finding = (part: Partial<Finding>): Finding => ({
  ...{ file: 'rules.v4', line: 3, column: 1, length: 5, code: 'not-exact', severity: 'error', message: 'text' },
  ...part,
});

describe('SARIF', () => {
  const cases: readonly { name: string; have: readonly Finding[] }[] = [
    { name: 'nothing', have: [] },
    { name: 'an error', have: [finding({ hint: 'do that' })] },
    { name: 'an empty range', have: [finding({ length: 0, severity: 'info' })] },
    { name: 'odd names of files', have: [finding({ file: 'a b/ü%#.v4' }), finding({ file: '/etc/rules.v4' })] },
    { name: 'other lines', have: [finding({ related: [{ line: 1, text: '-A INPUT -j DROP' }] })] },
    { name: 'many codes', have: ['b', 'a', 'b'].map((code) => finding({ code, severity: 'warning' })) },
  ];
  it.each(cases)('is valid for $name', ({ have }) => {
    const log: unknown = JSON.parse(JSON.stringify(sarifLog(have)));
    valid.validate(schema, log);
    expect(valid.errors ?? []).toEqual([]);
  });

  it('is refused by the schema where a place is none', () => {
    expect(valid.validate(schema, sarifLog([finding({ line: 0 })]))).toBe(false);
  });

  it('has a rule for each code, and each result points to its own', () => {
    const codes = ['b', 'a', 'b'];
    expect(sarifLog(codes.map((code) => finding({ code })))).toMatchObject({
      runs: [
        {
          tool: { driver: { rules: [{ id: 'a' }, { id: 'b' }] } },
          results: [{ ruleIndex: 1 }, { ruleIndex: 0 }, { ruleIndex: 1 }],
        },
      ],
    });
  });

  it('escapes names of files', () => {
    const uris = ['a b/ü%#.v4', '/etc/rules.v4'].map((file) => sarifLog([finding({ file })]));
    expect(JSON.stringify(uris)).toContain('"uri":"a%20b/%C3%BC%25%23.v4"');
    expect(JSON.stringify(uris)).toContain('"uri":"file:///etc/rules.v4"');
  });
});

describe('SARIF of a diff', () => {
  const side = (file: string, ...rules: readonly string[]): { ruleset: Ruleset; file: string } => ({
    ...parseDump(['*filter', ':INPUT DROP [0:0]', ...rules, 'COMMIT', ''].join('\n'), { family: 'v4' }),
    file,
  });
  const cases = [
    { name: 'the same rules', after: side('b c/ü%#.v4'), results: 0 },
    { name: 'changed packets', after: side('b c/ü%#.v4', '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'), results: 1 },
    { name: 'rules from standard input', after: side('<stdin>', '-A INPUT -p udp -j ACCEPT'), results: 1 },
  ];
  it.each(cases)('is valid for $name', async ({ after, results }) => {
    const before = side('/etc/rules.v4');
    const { chains } = await diffRulesets(before, after);
    const rules = await diffDumps(before, after);
    const log: unknown = JSON.parse(JSON.stringify(diffSarif({ before, after, rules, chains, strict: false })));
    valid.validate(schema, log);
    expect(valid.errors ?? []).toEqual([]);
    const [{ results: found }] = (log as { runs: { results: { locations: unknown }[] }[] }).runs;
    expect(found).toHaveLength(results);
    expect(JSON.stringify(found.map(({ locations }) => locations))).not.toMatch(/[ <]/);
  });
});
