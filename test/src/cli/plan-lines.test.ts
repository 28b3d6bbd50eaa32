import { describe, expect, it } from 'vitest';
import { compile } from '../../../codegen/program/index.js';
import type { Mode } from '../../../codegen/program/manifest.js';
import { parseDump } from '../../../grammar/index.js';
import { unforcedLines } from '../../../src/cli/plan-lines.js';

/** Rules that differ in two numbers. */
function dump(rules: number): string {
  const lines = Array.from(
    { length: rules },
    (_, i) => `-A INPUT -s 10.0.${i}.0/24 -p tcp -m tcp --dport ${i + 1} -j DROP`,
  );
  return ['*filter', ':INPUT ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n');
}

interface Case {
  readonly name: string;
  readonly rules: number;
  readonly mode: Mode;
  readonly want: readonly string[];
}

const CASES: readonly Case[] = [
  { name: 'nothing where all rules are looked up', rules: 60, mode: 'exact', want: [] },
  {
    name: 'early objects',
    rules: 60,
    mode: 'early',
    want: ['not looked up: chain INPUT, 60 rules: objects in mode early have no diagrams'],
  },
  {
    name: 'a short chain',
    rules: 1,
    mode: 'exact',
    want: ['not looked up: chain INPUT, 1 rule: too few, or too different, for a diagram'],
  },
];

describe('what the engine that was asked for does not do', () => {
  it.each(CASES)('$name', ({ rules, mode, want }) => {
    const source = dump(rules);
    const { ruleset } = parseDump(source, { family: 'v4' });
    const options = { source, sourceFile: 'rules.v4', hook: 'xdp', chain: 'INPUT', mode, engine: 'dag' } as const;
    const result = compile(ruleset, options);
    if (!result.ok) expect.fail('it is refused');
    expect(unforcedLines(mode, result.plans)).toEqual(want);
  });
});
