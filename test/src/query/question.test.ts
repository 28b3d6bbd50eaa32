import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { evaluate, UnreadablePacketError } from '../../../src/evaluate/index.js';
import { payloadReader } from '../../../src/evaluate/payload/index.js';
import { parseQuery } from '../../../src/query/parse.js';
import { Question } from '../../../src/query/question.js';
import { FALSE } from '../../../src/space/diagram.js';
import { testKey } from '../../../src/space/inputs.js';
import { locate } from '../../../src/space/locate.js';
import type { Input } from '../../../src/space/meaning.js';
import { nameRules } from '../../../src/space/names.js';
import { reachable } from '../../../src/space/compare.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { Random } from '../../../src/verify/random.js';
import { randomDump } from '../../../src/verify/random-ruleset.js';

const PAYLOAD = { no: 0, yes: 1, hotdrop: 2, dropping: 3 } as const;
const SIZES: Partial<Record<Input['kind'], number>> = { state: 5, 'address-type': 12, socket: 3 };

const CASES = [
  { family: 'v4', chain: 'INPUT', query: 'all' },
  { family: 'v4', chain: 'FORWARD', query: 'tcp state new,established or udp port 1-1024' },
  { family: 'v6', chain: 'INPUT', query: 'not fragment not (tcp port 22) ttl 1-200' },
  { family: 'v4', chain: 'OUTPUT', query: 'to 10.0.0.0/8, 192.168.0.0/16 or icmp' },
] as const;

const SEEDS = [1, 2];

describe('parts of a question', () => {
  it.each(CASES)('$family $chain "$query": each packet lies where the reference says', ({ family, chain, query }) => {
    let [asked, others] = [0, 0];
    for (const seed of SEEDS) {
      const text = randomDump(seed, { family, chain, limits: 0.2, stateful: true, rules: 11 });
      const { ruleset } = parseDump(text, { family });
      const place = { table: 'filter', chain } as const;
      const parsed = parseQuery(query, family);
      if (!parsed.ok) throw new Error(parsed.diagnostic.message);
      const question = new Question(ruleset, place, [parsed.condition]);
      const { space } = question;
      const { diagrams } = space;
      const region = question.packets(parsed.condition);
      const parts = question.parts(region);
      expect(parts.reduce((sum, part) => diagrams.or(sum, part.region), FALSE)).toBe(region);
      const names = nameRules(reachable(ruleset, place));
      const random = new Random(seed);
      for (const packet of generatePackets(ruleset, { ...place, count: 150, seed })) {
        try {
          const payload = payloadReader(packet, family, chain);
          const given = new Map<string, number>();
          const point = locate(space, packet, (input) => {
            if (input.kind === 'payload') return PAYLOAD[payload(input.test)];
            const key =
              input.kind === 'test' ? `${testKey(input.test)} ${input.occurrence ?? ''}` : JSON.stringify(input);
            const value = given.get(key) ?? random.below(SIZES[input.kind] ?? 2);
            given.set(key, value);
            return value;
          });
          const inside = parts.filter((part) => diagrams.evaluate(part.region, point) === 1);
          if (diagrams.evaluate(region, point) !== 1) {
            others++;
            expect(inside).toEqual([]);
            continue;
          }
          asked++;
          const judged = evaluate({
            ruleset,
            ...place,
            packet,
            oracle: (test, ref) => {
              const rule = ruleset.tables[0].chains.find(({ name }) => name === ref.chain)?.rules[ref.number - 1];
              const occurrence = (rule && names.occurrence.get(rule)) ?? '';
              return diagrams.evaluate(space.opaque(test, { occurrence }), point) === 1;
            },
          });
          if (judged.kind !== 'decided') throw new Error('the reference asks what nobody answers');
          const { decision, verdict } = judged;
          const by = decision.by === 'policy' ? { chain } : { chain: decision.rule.chain, rule: decision.rule.number };
          const told = typeof verdict === 'string' ? verdict : `reject ${verdict.reject}`;
          const where = `seed ${seed} ${Buffer.from(packet.frame).toString('hex')}`;
          expect(
            inside.map(({ deciding }) => deciding),
            where,
          ).toMatchObject([{ verdict: told, ...by }]);
        } catch (error) {
          if (!(error instanceof UnreadablePacketError)) throw error;
        }
      }
      for (const part of parts.slice(0, 12)) {
        const example = question.example(part);
        if (example !== undefined) expect(example.confirmed, `seed ${seed} ${example.text}`).toBe(true);
      }
    }
    expect(asked).toBeGreaterThan(20);
    expect(query === 'all' || others > 20).toBe(true);
  });
});
