import { Random } from '../src/verify/random.js';
import { cut, Networks, publicAddress } from './networks.js';
import { ANY, ruleText, type BenchRule, type Protocol, type Span } from './rules.js';
import { SHAPES, weighted, type Ports, type Shape } from './shapes.js';

/**
 * Kinds of rulesets. `acl`, `fw` and `ipc` have the shapes that ClassBench's seeds of these names describe (Taylor and
 * Turner, "ClassBench: A Packet Classification Benchmark", 2005): access lists, firewalls, and IP chains of Linux.
 * `mixed` is a third of each, with interfaces, TCP flags, chains and rules that only count; `blocklist` is addresses.
 */
export const KINDS = ['acl', 'fw', 'ipc', 'mixed', 'blocklist'] as const;
export type Kind = (typeof KINDS)[number];

export interface BenchRuleset {
  /** As `iptables-save` prints it: table filter, the rules in chain INPUT and in chains below it. */
  readonly text: string;
  readonly rules: readonly BenchRule[];
}

const SERVICES = [
  22, 25, 53, 80, 88, 110, 111, 119, 123, 135, 137, 139, 143, 161, 162, 179, 389, 443, 445, 465, 514, 515, 587, 636,
  993, 995, 1433, 1521, 1645, 1812, 2049, 3128, 3306, 3389, 5060, 5222, 5432, 5900, 6379, 8080, 8443, 9090, 9100, 27017,
] as const;

/** The same seed, kind and number give the same ruleset. */
export function generateRuleset(kind: Kind, count: number, seed: number): BenchRuleset {
  const random = new Random(BigInt(seed) * 1_000_003n + BigInt(count) * 17n + BigInt(KINDS.indexOf(kind)));
  const rules = kind === 'blocklist' ? blocklist(count, random) : classBench(kind, count, random);
  return { text: dumpText(rules, kind === 'blocklist' ? 'ACCEPT' : 'DROP'), rules };
}

function dumpText(rules: readonly BenchRule[], policy: 'ACCEPT' | 'DROP'): string {
  const chains = [...new Set(rules.map(({ chain }) => chain))].filter((chain) => chain !== 'INPUT');
  return [
    '*filter',
    `:INPUT ${policy} [0:0]`,
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...rules.map(ruleText),
    'COMMIT',
    '',
  ].join('\n');
}

function blocklist(count: number, random: Random): readonly BenchRule[] {
  const target = ['-j', 'DROP'];
  return Array.from({ length: count }, () => {
    const length = weighted(
      [
        [32, 70],
        [24, 22],
        [20, 5],
        [16, 3],
      ] as const,
      random,
    );
    return { chain: 'INPUT', source: cut(publicAddress(random), length), destination: ANY, words: [], target };
  });
}

function classBench(kind: 'acl' | 'fw' | 'ipc' | 'mixed', count: number, random: Random): readonly BenchRule[] {
  const networks = new Networks(count, random);
  const seen = new Set<string>();
  const rules: BenchRule[] = [];
  for (let tries = 0; rules.length < count && tries < 20 * count; tries++) {
    const shape = SHAPES[kind === 'mixed' ? random.pick(['acl', 'fw', 'ipc'] as const) : kind];
    const plain = plainRule(shape, networks, random);
    const rule = kind === 'mixed' ? varied(plain, random) : plain;
    const text = ruleText(rule);
    if (seen.has(text) || matchesAll(rule)) continue;
    seen.add(text);
    rules.push(rule);
  }
  return kind === 'mixed' ? withChains(sorted(rules)) : sorted(rules);
}

/** Wider rules behind narrower ones, as people write them: the other way round most would never be met. */
function sorted(rules: readonly BenchRule[]): readonly BenchRule[] {
  const width = ({ source, destination }: BenchRule): number => source.length + destination.length;
  return [...rules].sort((a, b) => width(b) - width(a));
}

const matchesAll = ({ source, destination, protocol, words }: BenchRule): boolean =>
  source.length === 0 && destination.length === 0 && protocol === undefined && words.length === 0;

function plainRule(shape: Shape, networks: Networks, random: Random): BenchRule {
  const protocol = weighted(shape.protocol, random);
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  const sports = hasPorts ? portsOf(weighted(shape.sport, random), random) : undefined;
  const dports = hasPorts ? portsOf(weighted(shape.dport, random), random) : undefined;
  return {
    chain: 'INPUT',
    source: networks.prefix(weighted(shape.source, random)),
    destination: networks.prefix(weighted(shape.destination, random)),
    ...(protocol === undefined ? {} : { protocol }),
    ...(sports === undefined ? {} : { sports }),
    ...(dports === undefined ? {} : { dports }),
    words: [],
    target: ['-j', random.chance(0.7) ? 'ACCEPT' : 'DROP'],
  };
}

/** Some rules test an interface, flags or an ICMP type; some only count. */
function varied(rule: BenchRule, random: Random): BenchRule {
  const words: string[] = [];
  if (rule.protocol === 'tcp' && random.chance(0.05)) {
    if (rule.sports === undefined && rule.dports === undefined) words.push('-m', 'tcp');
    words.push('--tcp-flags', 'FIN,SYN,RST,ACK', 'SYN');
  }
  if (rule.protocol === 'icmp' && random.chance(0.6))
    words.push('-m', 'icmp', '--icmp-type', random.pick(['8', '3', '11']));
  if (random.chance(0.03)) words.push('-m', 'length', '--length', '0:1500');
  return { ...rule, words, target: random.chance(0.03) ? [] : rule.target };
}

const OWN_CHAIN: Readonly<Partial<Record<Protocol, string>>> = { tcp: 'tcp-in', udp: 'udp-in', icmp: 'icmp-in' };

/** Half of the rules of each protocol stand in a chain of its own, which its packets come to behind the others. */
function withChains(rules: readonly BenchRule[]): readonly BenchRule[] {
  const own = rules.map((rule, index): BenchRule => {
    const chain = rule.protocol === undefined ? undefined : OWN_CHAIN[rule.protocol];
    return chain === undefined || index % 2 === 0 ? rule : { ...rule, chain };
  });
  const chains = new Set(own.map(({ chain }) => chain));
  const calls = (Object.keys(OWN_CHAIN) as Protocol[]).flatMap((protocol): readonly BenchRule[] => {
    const chain = OWN_CHAIN[protocol];
    if (chain === undefined || !chains.has(chain)) return [];
    return [{ chain: 'INPUT', source: ANY, destination: ANY, protocol, words: [], target: ['-j', chain] }];
  });
  const inputs = own.filter(({ chain }) => chain === 'INPUT');
  return [...inputs, ...calls, ...own.filter(({ chain }) => chain !== 'INPUT')];
}

function portsOf(kind: Ports, random: Random): Span | undefined {
  switch (kind) {
    case 'any':
      return undefined;
    case 'high':
      return { lo: 1024, hi: 65535 };
    case 'low':
      return { lo: 0, hi: 1023 };
    case 'range': {
      const lo = random.chance(0.5) ? random.pick(SERVICES) : 1024 + random.below(60_000);
      return { lo, hi: Math.min(65535, lo + 1 + random.below(random.chance(0.7) ? 20 : 2_000)) };
    }
    case 'one': {
      const port = random.chance(0.9) ? random.pick(SERVICES) : 1024 + random.below(60_000);
      return { lo: port, hi: port };
    }
  }
}
