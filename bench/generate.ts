import { buildFrame } from '../src/packet/index.js';
import { Random } from '../src/verify/random.js';

/**
 * Kinds of rulesets. `acl`, `fw` and `ipc` have the shapes that ClassBench's seeds of these names describe (Taylor and
 * Turner, "ClassBench: A Packet Classification Benchmark", 2005): access lists, firewalls, and IP chains of Linux.
 * `mixed` is a third of each, with interfaces, TCP flags, chains and rules that only count; `blocklist` is addresses.
 */
export const KINDS = ['acl', 'fw', 'ipc', 'mixed', 'blocklist'] as const;
export type Kind = (typeof KINDS)[number];

/** A prefix of IPv4 addresses, or a range of ports; both ends belong to it. */
interface Span {
  readonly lo: number;
  readonly hi: number;
}

type Protocol = 'tcp' | 'udp' | 'icmp' | 'gre';

export interface BenchRule {
  readonly chain: string;
  readonly source: Prefix;
  readonly destination: Prefix;
  readonly protocol?: Protocol;
  readonly sports?: Span;
  readonly dports?: Span;
  readonly words: readonly string[];
  /** Empty: the rule only counts. */
  readonly target: readonly string[];
}

interface Prefix {
  readonly address: number;
  /** 0: any. */
  readonly length: number;
}

export interface BenchRuleset {
  /** As `iptables-save` prints it: table filter, the rules in chain INPUT and in chains below it. */
  readonly text: string;
  readonly rules: readonly BenchRule[];
}

/** Bytes of every frame. */
const FRAME = 98;
const ANY: Prefix = { address: 0, length: 0 };
const EVERYTHING: Span = { lo: 0, hi: 65535 };
const SERVICES = [
  22, 25, 53, 80, 88, 110, 111, 119, 123, 135, 137, 139, 143, 161, 162, 179, 389, 443, 445, 465, 514, 515, 587, 636,
  993, 995, 1433, 1521, 1645, 1812, 2049, 3128, 3306, 3389, 5060, 5222, 5432, 5900, 6379, 8080, 8443, 9090, 9100, 27017,
] as const;

/** Shares of a kind, in per cent. */
interface Shape {
  /** Addresses by the length of their prefix. */
  readonly source: readonly (readonly [length: number, share: number])[];
  readonly destination: readonly (readonly [length: number, share: number])[];
  readonly protocol: readonly (readonly [Protocol | undefined, number])[];
  readonly sport: readonly (readonly [Ports, number])[];
  readonly dport: readonly (readonly [Ports, number])[];
}

/** ClassBench's classes: any, ephemeral, well-known, some range, one port. */
type Ports = 'any' | 'high' | 'low' | 'range' | 'one';

const SHAPES: Readonly<Record<'acl' | 'fw' | 'ipc', Shape>> = {
  acl: {
    source: [
      [0, 18],
      [16, 8],
      [20, 6],
      [24, 28],
      [28, 8],
      [32, 32],
    ],
    destination: [
      [16, 2],
      [20, 4],
      [24, 24],
      [27, 10],
      [29, 6],
      [32, 54],
    ],
    protocol: [
      ['tcp', 76],
      ['udp', 12],
      ['icmp', 4],
      [undefined, 8],
    ],
    sport: [['any', 100]],
    dport: [
      ['any', 18],
      ['high', 3],
      ['range', 14],
      ['one', 65],
    ],
  },
  fw: {
    source: [
      [0, 46],
      [8, 2],
      [14, 3],
      [16, 9],
      [22, 5],
      [24, 13],
      [28, 3],
      [32, 19],
    ],
    destination: [
      [0, 38],
      [12, 2],
      [16, 6],
      [21, 4],
      [24, 14],
      [29, 4],
      [32, 32],
    ],
    protocol: [
      ['tcp', 58],
      ['udp', 27],
      ['icmp', 6],
      ['gre', 2],
      [undefined, 7],
    ],
    sport: [
      ['any', 68],
      ['high', 12],
      ['low', 2],
      ['range', 4],
      ['one', 14],
    ],
    dport: [
      ['any', 24],
      ['high', 10],
      ['low', 2],
      ['range', 8],
      ['one', 56],
    ],
  },
  ipc: {
    source: [
      [0, 14],
      [8, 2],
      [16, 10],
      [19, 6],
      [24, 26],
      [27, 8],
      [32, 34],
    ],
    destination: [
      [0, 12],
      [9, 2],
      [16, 9],
      [20, 7],
      [24, 26],
      [28, 8],
      [32, 36],
    ],
    protocol: [
      ['tcp', 55],
      ['udp', 23],
      ['icmp', 9],
      [undefined, 13],
    ],
    sport: [
      ['any', 78],
      ['high', 4],
      ['range', 5],
      ['one', 13],
    ],
    dport: [
      ['any', 42],
      ['high', 4],
      ['low', 1],
      ['range', 9],
      ['one', 44],
    ],
  },
};

/** The same seed, kind and number give the same ruleset. */
export function generateRuleset(kind: Kind, count: number, seed: number): BenchRuleset {
  const random = new Random(BigInt(seed) * 1_000_003n + BigInt(count) * 17n + BigInt(KINDS.indexOf(kind)));
  const rules = kind === 'blocklist' ? blocklist(count, random) : classBench(kind, count, random);
  return { text: dumpText(rules, kind === 'blocklist' ? 'ACCEPT' : 'DROP'), rules };
}

/**
 * Frames that go round the rules: each has the addresses, the protocol and the ports of some rule, drawn evenly, and so
 * meets it or one before it; one in 16 is drawn from all packets there are.
 */
export function generateFrames(rules: readonly BenchRule[], count: number, seed: number): readonly Uint8Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () =>
    frameFor(random.chance(1 / 16) ? { ...rules[0], ...WHOEVER } : random.pick(rules), random),
  );
}

const WHOEVER: Partial<BenchRule> = { source: ANY, destination: ANY, protocol: 'tcp', sports: EVERYTHING };

function frameFor({ source, destination, protocol, sports, dports }: BenchRule, random: Random): Uint8Array {
  const inside = ({ lo, hi }: Span): number => lo + random.below(hi - lo + 1);
  const ports = { sport: inside(sports ?? EVERYTHING), dport: inside(dports ?? EVERYTHING) };
  const kind = protocol ?? random.pick(['tcp', 'udp', 'icmp'] as const);
  const ip = {
    family: 'v4' as const,
    source: BigInt(hostOf(source, random)),
    destination: BigInt(hostOf(destination, random)),
  };
  // All frames are of one length.
  const payload = new Uint8Array(FRAME - (kind === 'tcp' ? 54 : kind === 'gre' ? 34 : 42));
  switch (kind) {
    case 'tcp':
      return buildFrame({ ip, transport: { kind: 'tcp', ...ports, flags: random.chance(0.3) ? 0x02 : 0x10, payload } });
    case 'udp':
      return buildFrame({ ip, transport: { kind: 'udp', ...ports, payload } });
    case 'icmp':
      return buildFrame({ ip, transport: { kind: 'icmp', type: random.pick([0, 3, 8, 11]), code: 0, payload } });
    case 'gre':
      return buildFrame({ ip, transport: { kind: 'other', protocol: 47, payload } });
  }
}

/** An address of the prefix that a packet to a host can have: not this network, loopback, multicast or broadcast. */
function hostOf({ address, length }: Prefix, random: Random): number {
  const free = 2 ** (32 - length);
  const host = address + random.below(free);
  const first = host >>> 24;
  return first === 0 || first === 127 || first >= 224 ? 0x0a00_0000 + (host % 0x0100_0000) : host;
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

export function ruleText({ chain, source, destination, protocol, sports, dports, words, target }: BenchRule): string {
  const prefix = (flag: string, { address, length }: Prefix): readonly string[] =>
    length === 0 ? [] : [flag, `${dotted(address)}/${length}`];
  const ports = (flag: string, span: Span | undefined): readonly string[] =>
    span === undefined ? [] : [flag, span.lo === span.hi ? String(span.lo) : `${span.lo}:${span.hi}`];
  const match = sports === undefined && dports === undefined ? [] : ['-m', String(protocol)];
  return [
    ...['-A', chain, ...prefix('-s', source), ...prefix('-d', destination)],
    ...(protocol === undefined ? [] : ['-p', protocol]),
    ...[...match, ...ports('--sport', sports), ...ports('--dport', dports), ...words, ...target],
  ].join(' ');
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
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

/** Networks that rules come back to: sites, subnets of them, hosts in these. */
class Networks {
  private readonly hosts: readonly number[];

  constructor(
    rules: number,
    private readonly random: Random,
  ) {
    const sites = Array.from({ length: Math.max(4, Math.ceil(Math.sqrt(rules))) }, () => publicAddress(random));
    const subnets = Array.from({ length: Math.max(16, Math.ceil(rules / 8)) }, () =>
      mix(random.pick(sites), random.word(), 16 - random.below(5)),
    );
    this.hosts = Array.from({ length: Math.max(32, Math.ceil(rules / 2)) }, () =>
      mix(random.pick(subnets), random.word(), 24),
    );
  }

  prefix(length: number): Prefix {
    return cut(this.random.pick(this.hosts), length);
  }
}

/** The first bits of one number with the rest of another. */
function mix(first: number, rest: number, bits: number): number {
  const low = 2 ** (32 - bits);
  return first - (first % low) + (rest % low);
}

function cut(address: number, length: number): Prefix {
  return { address: mix(address, 0, length), length };
}

function publicAddress(random: Random): number {
  for (;;) {
    const address = random.word();
    const first = address >>> 24;
    if (first !== 0 && first !== 10 && first !== 127 && first < 224) return address;
  }
}

function weighted<T>(choices: readonly (readonly [T, number])[], random: Random): T {
  const total = choices.reduce((sum, [, share]) => sum + share, 0);
  let dice = random.below(total);
  for (const [value, share] of choices) {
    dice -= share;
    if (dice < 0) return value;
  }
  return choices[0][0];
}
