import { describe, expect, it } from 'vitest';
import { parseDump } from '../../grammar/index.js';
import { collectReachable } from '../../codegen/program/reachable.js';
import { findTable } from '../../grammar/model/ruleset.js';
import { caseOf, dumpOf } from './random-case.js';

/** What the random rulesets must be about, or the campaign shows little. */
describe('random rulesets', () => {
  const seeds = Array.from({ length: 200 }, (_, seed) => seed);
  const texts = seeds.map((seed) => dumpOf(caseOf(seed)));

  it('are the same for the same seed, and others for another', () => {
    expect(seeds.map((seed) => dumpOf(caseOf(seed)))).toEqual(texts);
    expect(new Set(texts).size).toBe(texts.length);
  });

  it.each([
    ...['tcp', 'udp', 'icmp', 'icmp6', 'multiport', 'mark', 'addrtype', 'mac', 'iprange', 'length', 'ttl', 'hl'],
    ...['dscp', 'tos', 'pkttype', 'comment', 'limit', 'conntrack', 'state'],
  ])('use match %s', (name) => {
    expect(texts.filter((text) => text.includes(` -m ${name} `)).length).toBeGreaterThan(2);
  });

  it.each(['ACCEPT', 'DROP', 'RETURN', 'REJECT', 'LOG', 'MARK'])('use target %s', (name) => {
    expect(texts.filter((text) => text.includes(` -j ${name}`)).length).toBeGreaterThan(20);
  });

  it.each([' -g ', ' ! -s ', ' ! -i ', ' ! -o ', ' -f ', ' ! -f ', ' --tcp-option ', ' ! --dport ', '/255.', ' eth+ '])(
    'use "%s"',
    (words) => {
      expect(texts.some((text) => text.includes(words))).toBe(true);
    },
  );

  it('call chains eight deep', () => {
    const depths = seeds.map((seed) => {
      const { family, chain } = caseOf(seed);
      const { ruleset } = parseDump(texts[seed], { family });
      const table = findTable(ruleset, 'filter');
      if (table === undefined) throw new Error('a random dump has no table filter');
      const { rules } = collectReachable(table, chain);
      const depth = new Map([[chain as string, 0]]);
      for (let round = 0; round < 10; round++) {
        for (const { chain: caller, rule } of rules) {
          const { effect } = rule.target;
          if (effect.kind !== 'jump') continue;
          depth.set(effect.chain, Math.max(depth.get(effect.chain) ?? 0, (depth.get(caller) ?? 0) + 1));
        }
      }
      return Math.max(...depth.values());
    });
    expect(Math.max(...depths)).toBe(8);
    expect(depths.filter((depth) => depth > 6).length).toBeGreaterThan(5);
  });
});
