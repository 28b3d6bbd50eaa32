/**
 * What the quick ways prove of diagrams, the thorough one proves, too: of random rules, and of their objects with something
 * changed. IPT2BPF_QUICK=N takes so many rulesets.
 */
import { describe, expect, it } from 'vitest';
import { readObject } from '../../../../codegen/object/read.js';
import type { ObjectSpec } from '../../../../codegen/object/spec.js';
import { writeObject } from '../../../../codegen/object/write.js';
import { prove } from '../../../../src/prove/prove.js';
import type { VerifyJob } from '../../../../src/verify/job.js';
import { Random } from '../../../../src/verify/random.js';
import { mutate, mutateTable } from '../mutants.js';
import { filterDump, jobOf } from '../support.js';

const COUNT = Number(process.env.IPT2BPF_QUICK ?? 1);
const SEED = Number(process.env.IPT2BPF_SEED ?? 1);
const MUTANTS = 1;

const pick = <T>(random: Random, all: readonly T[]): T => all[random.below(all.length)];

/** Rules that overlap in many ways, as there are few addresses and ports. */
function randomRule(random: Random): string {
  const words = ['-A INPUT'];
  const address = (): string => `10.${random.below(3)}.${random.below(4)}.0/${pick(random, [8, 16, 22, 24])}`;
  if (random.below(3) > 0) words.push(`-s ${address()}`);
  if (random.below(3) === 0) words.push(`${random.below(4) === 0 ? '! ' : ''}-d ${address()}`);
  const protocol = pick(random, ['tcp', 'udp', 'icmp', undefined]);
  if (protocol !== undefined) words.push(`-p ${protocol}`);
  if (protocol === 'tcp' || protocol === 'udp') {
    const from = random.below(100);
    if (random.below(2) === 0) words.push(`--dport ${from}:${from + random.below(40)}`);
    if (protocol === 'tcp' && random.below(3) === 0) words.push('--syn');
  }
  const target = pick(random, ['-j ACCEPT', '-j DROP', '-j ACCEPT', '']);
  return [...words, target].join(' ').trim();
}

/** Random rules of which some are looked up in a diagram. */
function lookedUp(random: Random): {
  readonly rules: readonly string[];
  readonly job: VerifyJob;
  readonly spec: ObjectSpec;
} {
  for (;;) {
    const rules = Array.from({ length: 10 + random.below(6) }, () => randomRule(random));
    const job = jobOf(filterDump(rules, 'DROP'), { hook: 'xdp', chain: 'INPUT', engine: 'dag' });
    const spec = readObject(job.object);
    if (spec.data !== undefined) return { rules, job, spec };
  }
}

describe(`quick and thorough proofs of diagrams (seed ${SEED})`, () => {
  it.each(Array.from({ length: COUNT }, (_, i) => i))(
    'say the same of ruleset %i',
    (number) => {
      const random = new Random(SEED * 1000 + number);
      const { rules, job, spec } = lookedUp(random);
      const objects = [
        { what: 'as it is', object: job.object },
        ...[mutate, mutateTable].flatMap((change) =>
          Array.from({ length: MUTANTS }, () => {
            const mutant = change(spec, random);
            return { what: mutant.what, object: writeObject(mutant.spec) };
          }),
        ),
      ];
      for (const { what, object } of objects) {
        const kindOf = (thorough: boolean): string => prove({ ...job, object, thorough }).kind;
        expect(kindOf(false), `${what}\n${rules.join('\n')}`).toBe(kindOf(true));
      }
    },
    600_000,
  );
});
