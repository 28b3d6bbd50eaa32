/** What lint says of random rulesets, held against the reference. */
import { expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { ADDRESS_TYPES, FALSE } from '../../../grammar/model/condition.js';
import type { Rule, Ruleset } from '../../../grammar/model/ruleset.js';
import { evaluate, UnreadablePacketError, type Evaluation, type Oracle } from '../../../src/evaluate/index.js';
import { lint } from '../../../src/lint/lint.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { Random } from '../../../src/verify/random.js';
import { randomDump } from '../../../src/verify/random-ruleset.js';

it('finds packets of all kinds of rules again: no rule that is named is ever met', { timeout: 60_000 }, () => {
  let named = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const family = seed % 2 === 0 ? 'v4' : 'v6';
    const chain = seed % 3 === 0 ? 'FORWARD' : 'INPUT';
    const text = randomDump(seed, { family, chain, limits: 0.2, stateful: true, rules: 10 + (seed % 30) });
    const { ruleset } = parseDump(text, { family });
    const dead = new Map(
      lint(ruleset)
        .findings.filter(({ message }) => !BEHIND.test(message))
        .map((one) => [`${one.chain} ${one.rule ?? ''}`, one.message]),
    );
    named += dead.size;
    const random = new Random(seed);
    for (const packet of generatePackets(ruleset, { table: 'filter', chain, count: 150, seed })) {
      try {
        const { hits } = evaluate({ ruleset, table: 'filter', chain, packet, oracle: oracleOf(random) });
        for (const { chain: at, number } of hits) {
          const hex = Buffer.from(packet.frame).toString('hex');
          const message = dead.get(`${at} ${number}`) ?? dead.get(`${at} `);
          expect(message, `seed ${seed}, rule ${number} of ${at}, ${hex}\n${text}`).toBeUndefined();
        }
      } catch (error) {
        if (!(error instanceof UnreadablePacketError)) throw error;
      }
    }
  }
  expect(named).toBeGreaterThan(10);
});

it('verdicts are the same without rules that others behind them make needless', { timeout: 60_000 }, () => {
  let met = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const family = seed % 2 === 0 ? 'v4' : 'v6';
    const chain = (['INPUT', 'FORWARD', 'OUTPUT'] as const)[seed % 3];
    const text = withWiderRules(randomDump(seed, { family, chain, limits: 0.1, stateful: true, rules: 25 }), seed);
    const { ruleset } = parseDump(text, { family });
    const named = lint(ruleset).findings.filter(({ message }) => BEHIND.test(message));
    if (named.length === 0) continue;
    const packets = generatePackets(ruleset, { table: 'filter', chain, count: 150, seed });
    for (const { chain: name, rule = 0, text: of, message } of named) {
      const smaller = withoutRule(ruleset, name, rule);
      for (const [i, packet] of packets.entries()) {
        try {
          const judge = (rules: Ruleset): Evaluation =>
            evaluate({ ruleset: rules, table: 'filter', chain, packet, oracle: placedOracle(seed * 1000 + i) });
          const [before, after] = [judge(ruleset), judge(smaller)];
          if (before.hits.some((hit) => hit.chain === name && hit.number === rule)) met++;
          const verdictOf = (one: Evaluation): unknown => (one.kind === 'decided' ? one.verdict : one.kind);
          const hex = Buffer.from(packet.frame).toString('hex');
          expect(verdictOf(after), `seed ${seed}: ${of}: ${message}: ${hex}\n${text}`).toEqual(verdictOf(before));
        } catch (error) {
          if (!(error instanceof UnreadablePacketError)) throw error;
        }
      }
    }
  }
  expect(met).toBeGreaterThan(5);
});

const BEHIND = / behind it /;

/** Some rules again at the end, with fewer tests. */
function withWiderRules(text: string, seed: number): string {
  const random = new Random(seed);
  const wider = text
    .split('\n')
    .filter((line) => line.startsWith('-A ') && random.chance(0.3))
    .map((line) => line.replace(/ (! )?-[sd] \S+/, '').replace(/ -m (tcp|udp) (! )?--\S+ \S+(?= -j)/, ''));
  return text.replace('COMMIT', [...wider, 'COMMIT'].join('\n'));
}

function withoutRule(ruleset: Ruleset, chain: string, number: number): Ruleset {
  const never = (rule: Rule): Rule => ({ ...rule, head: FALSE });
  return {
    ...ruleset,
    tables: ruleset.tables.map((table) => ({
      ...table,
      chains: table.chains.map((one) =>
        one.name === chain
          ? { ...one, rules: one.rules.map((rule, i) => (i === number - 1 ? never(rule) : rule)) }
          : one,
      ),
    })),
  };
}

/** Answers that hang on the packet and the rule alone, as if each rule remembered something of its own. */
function placedOracle(packet: number): Oracle {
  const answers = oracleOf(new Random(packet));
  const known = new Map<string, boolean | undefined>();
  return (test, rule, fields) => {
    if (test.name === 'ctstate' || test.name === 'addrtype') return answers(test, rule, fields);
    const key = `${rule.chain} ${rule.number} ${test.name}`;
    if (!known.has(key)) known.set(key, new Random(packet * 100_003 + key.length * 7 + rule.number).chance(0.5));
    return known.get(key);
  };
}

/** One packet's answers: its connection is in one state, its addresses are of one type; memory says anything. */
function oracleOf(random: Random): Oracle {
  const state = random.pick(['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED'] as const);
  const types = { src: random.pick(ADDRESS_TYPES), dst: random.pick(ADDRESS_TYPES) };
  return (test) => {
    switch (test.name) {
      case 'ctstate':
        return test.states.includes(state);
      case 'addrtype':
        return test.types.includes(types[test.which]);
      case 'limit':
      case 'connlimit':
      case 'hashlimit':
      case 'quota':
      case 'counted-set':
      case 'nth':
      case 'random':
      case 'conntrack':
      case 'module':
      case 'time':
        return random.chance(0.5);
      case 'bridge-port':
      case 'cpu':
      case 'devgroup':
      case 'owner':
      case 'recent':
      case 'set':
        return undefined;
    }
  };
}
