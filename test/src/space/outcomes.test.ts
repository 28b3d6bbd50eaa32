import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../grammar/model/condition.js';
import type { Family } from '../../../grammar/model/family.js';
import { parseDump } from '../../../grammar/index.js';
import { UnreadablePacketError } from '../../../src/evaluate/index.js';
import { ruleCondition } from '../../../src/evaluate/evaluate.js';
import { DROPPING, HOTDROP, NO, outcomeOf, YES } from '../../../src/evaluate/outcome.js';
import { readFields } from '../../../src/evaluate/read-fields.js';
import type { PayloadAnswer } from '../../../src/evaluate/payload/index.js';
import { payloadReader } from '../../../src/evaluate/payload/index.js';
import { TRUE } from '../../../src/space/diagram.js';
import { locate } from '../../../src/space/locate.js';
import type { Input } from '../../../src/space/meaning.js';
import { OUTCOME } from '../../../src/space/outcome.js';
import { PacketSpace } from '../../../src/space/space.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { randomDump } from '../../../src/verify/random-ruleset.js';

/** The reference's outcomes by those of diagrams. */
const NAMES: Readonly<Record<number, number>> = {
  [OUTCOME.no]: NO,
  [OUTCOME.yes]: YES,
  [OUTCOME.hotdrop]: HOTDROP,
  [OUTCOME.dropping]: DROPPING,
};
const PAYLOAD: Readonly<Record<PayloadAnswer, number>> = { no: 0, yes: 1, hotdrop: 2, dropping: 3 };

const CASES = [
  { family: 'v4', chain: 'INPUT' },
  { family: 'v4', chain: 'FORWARD' },
  { family: 'v4', chain: 'OUTPUT' },
  { family: 'v6', chain: 'INPUT' },
  { family: 'v6', chain: 'FORWARD' },
  { family: 'v6', chain: 'OUTPUT' },
] as const;

describe('conditions as diagrams', () => {
  it.each(CASES)('$family $chain: each packet meets what the reference says', ({ family, chain }) => {
    let compared = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const { ruleset } = parseDump(randomDump(seed, { family, chain, limits: 0 }), { family });
      const table = ruleset.tables[0];
      const conditions = table.chains.flatMap(({ rules }) => rules.map(ruleCondition));
      const space = new PacketSpace({ family, hook: chain, conditions });
      for (const packet of generatePackets(ruleset, { table: 'filter', chain, count: 60, seed })) {
        try {
          const fields = readFields(packet, family, chain);
          const payload = payloadReader(packet, family, chain);
          const answers = (input: Input): number => (input.kind === 'payload' ? PAYLOAD[payload(input.test)] : 0);
          const at = locate(space, packet, answers);
          const possible = space.diagrams.evaluate(space.feasible, at);
          expect(possible, `seed ${seed}: ${Buffer.from(packet.frame).toString('hex')}`).toBe(1);
          for (const condition of conditions) {
            const node = space.outcomes.of(condition, { occurrence: '' });
            const want = outcomeOf(condition, {
              fields,
              mark: packet.mark,
              changed: false,
              payload,
              answer: () => false,
            });
            const have = NAMES[space.diagrams.evaluate(node, at)];
            if (have !== want) expect({ seed, condition: text(condition), have }).toEqual({ want });
            compared++;
          }
        } catch (error) {
          if (!(error instanceof UnreadablePacketError)) throw error;
        }
      }
    }
    expect(compared).toBeGreaterThan(1000);
  });
});

function text(condition: Condition): string {
  return JSON.stringify(condition, (_, value: unknown) =>
    typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
  );
}

describe('marks on their way', () => {
  const family: Family = 'v4';
  it.each([
    { name: 'set', clear: 0xffffffff, flip: 7 },
    { name: 'some bits', clear: 0xff00, flip: 0x1200 },
    { name: 'flipped', clear: 0, flip: 0x30 },
    { name: 'cleared and flipped', clear: 0xf0, flip: 0x33 },
  ])('$name', ({ clear, flip }) => {
    const tests = ['-m mark --mark 0x7', '-m mark ! --mark 0x1200/0xff00', '-m mark --mark 0x33/0x3f'];
    const dump = `*filter\n:INPUT ACCEPT [0:0]\n${tests.map((t) => `-A INPUT ${t}\n`).join('')}COMMIT\n`;
    const { ruleset } = parseDump(dump, { family });
    const conditions = ruleset.tables[0].chains[0].rules.map(ruleCondition);
    const space = new PacketSpace({ family, hook: 'INPUT', conditions, marks: [{ clear, flip }] });
    for (const before of [0, 7, 0x1200, 0x1207, 0x33, 0x3, 0x30, 0xffffffff, 0xedff, 0x80000000]) {
      const after = ((before & ~clear) ^ flip) >>> 0;
      const at = (variable: number): number => {
        const meaning = space.meaningOf(variable);
        if (meaning.kind !== 'measure') return 0;
        const { shift, bits } = meaning.segment;
        return Number((BigInt(before) >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n));
      };
      for (const [i, condition] of conditions.entries()) {
        const node = space.outcomes.of(condition, { occurrence: '', ways: [{ clear, flip, where: TRUE }] });
        const plain = space.outcomes.of(condition, { occurrence: '' });
        const wants = [after === 7, (after & 0xff00) !== 0x1200, (after & 0x3f) === 0x33];
        const wantsPlain = [before === 7, (before & 0xff00) !== 0x1200, (before & 0x3f) === 0x33];
        expect({ before, i, have: space.diagrams.evaluate(node, at) === 1 }).toEqual({ before, i, have: wants[i] });
        expect(space.diagrams.evaluate(plain, at) === 1).toBe(wantsPlain[i]);
      }
    }
  });
});
