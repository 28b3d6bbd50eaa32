import { buildFrame } from '../src/packet/index.js';
import { Random } from '../src/verify/random.js';
import { ANY, EVERYTHING, type BenchRule, type Prefix, type Span } from './rules.js';

/** Bytes of every frame. */
const FRAME = 98;

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
