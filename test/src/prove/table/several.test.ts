/** Several diagrams for one stretch of rules: objects of other rules are refuted, and quick ways say what the thorough one says. */
import { expect, it } from 'vitest';
import { readObject } from '../../../../codegen/object/read.js';
import { writeObject } from '../../../../codegen/object/write.js';
import { prove } from '../../../../src/prove/prove.js';
import { Random } from '../../../../src/verify/random.js';
import { crossingRules } from '../crossing.js';
import { mutate, mutateTable } from '../mutants.js';
import { filterDump, jobOf } from '../support.js';

const COUNT = Number(process.env.IPT2BPF_QUICK ?? 1);
const SEED = Number(process.env.IPT2BPF_SEED ?? 3);
const MUTANTS = 2;
const OPTIONS = { hook: 'xdp', chain: 'INPUT', engine: 'dag' } as const;

/** Rules for two diagrams, of which some stand behind others that match all that they match. */
function rulesOf(seed: number): readonly string[] {
  const rules = crossingRules(40, seed);
  const behind = [3, 17].map((at) => rules[at].replace(/--dport (\d+):\d+/, '--dport $1:$1'));
  return [...rules, ...behind];
}

const RULES = rulesOf(SEED);
const turned = (rule: string): string =>
  rule.endsWith('ACCEPT') ? rule.replace('ACCEPT', 'DROP') : rule.replace('DROP', 'ACCEPT');
const longer = (rule: string): string =>
  rule.replace(/--dport (\d+):(\d+)/, (_, lo, hi) => `--dport ${lo}:${Number(hi) + 1}`);

const other: readonly { readonly name: string; readonly rules: readonly string[] }[] = [
  { name: 'another verdict', rules: RULES.with(5, turned(RULES[5])) },
  { name: 'one port more', rules: RULES.with(2, longer(RULES[2])) },
  { name: 'two rules in another order', rules: RULES.with(0, RULES[1]).with(1, RULES[0]) },
  { name: 'the first rule behind all others', rules: [...RULES.slice(1), RULES[0]] },
];

it('proves two diagrams, and rules behind others', () => {
  const job = jobOf(filterDump(RULES, 'DROP'), OPTIONS);
  expect(prove(job).kind).toBe('proved');
});

it.each(other)('refutes $name', ({ rules }) => {
  const job = jobOf(filterDump(RULES, 'DROP'), OPTIONS, filterDump(rules, 'DROP'));
  expect(prove(job).kind).toBe('differs');
});

it.each(Array.from({ length: COUNT }, (_, i) => SEED + i))(
  'is proved in quick ways only where it is in the thorough one (seed %i)',
  (seed) => {
    const job = jobOf(filterDump(rulesOf(seed), 'DROP'), OPTIONS);
    const spec = readObject(job.object);
    const random = new Random(seed);
    const objects = [mutate, mutateTable].flatMap((change) =>
      Array.from({ length: MUTANTS }, () => {
        const mutant = change(spec, random);
        return { what: mutant.what, object: writeObject(mutant.spec) };
      }),
    );
    for (const { what, object } of [{ what: 'as it is', object: job.object }, ...objects]) {
      const kindOf = (thorough: boolean): string => prove({ ...job, object, thorough }).kind;
      expect(kindOf(false), what).toBe(kindOf(true));
    }
  },
  600_000,
);
