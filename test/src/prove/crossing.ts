import { Random } from '../../../src/verify/random.js';

/** Rules with wide ranges of four numbers each, which cross: so many diagrams would be one that is too large. */
export function crossingRules(count: number, seed: number): readonly string[] {
  const random = new Random(seed);
  const range = (most: number): readonly [number, number] => {
    const span = Math.floor((most * (40 + random.below(100))) / 200);
    const low = random.below(most - span);
    return [low, low + span];
  };
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = range(255);
    const [c, d] = range(255);
    const addresses = `-m iprange --src-range 10.0.${a}.0-10.0.${b}.9 --dst-range 192.0.${c}.0-192.0.${d}.9`;
    const ports = `-m udp --sport ${range(60_000).join(':')} --dport ${range(60_000).join(':')}`;
    return `-A INPUT -p udp ${addresses} ${ports} -j ${i % 2 === 0 ? 'ACCEPT' : 'DROP'}`;
  });
}

/** The same, where some rules only count, log, or jump to chain `web`. */
export function goingOnRules(count: number, seed: number): readonly string[] {
  const web = ['-A web -p udp -m udp --sport 1:20000 -j RETURN', '-A web -s 10.0.3.0/24'];
  const rules = crossingRules(count, seed).map((rule, i) => {
    if (i % 7 === 3) return rule.replace(/-j .*/, '-j web');
    if (i % 7 === 5) return rule.replace(/-j .*/, '-j LOG');
    return i % 3 === 1 ? rule.replace(/ -j .*/, '') : rule;
  });
  return [...rules, ...web];
}
