import type { Manifest } from '../../codegen/program/manifest.js';
import { type BuiltinChain, isLeaving } from '../../grammar/model/family.js';
import { IPV6_BOUND } from './ipv6-shapes.js';

/** For which packets a proof holds, and what it takes for granted: each a sentence. */
export interface Domain {
  readonly inside: readonly string[];
  readonly outside: readonly string[];
  readonly trusted: readonly string[];
}

type Proven = Pick<Manifest, 'hook' | 'family' | 'reject' | 'counters' | 'asks'>;

/** The domain of proofs about an object. */
export function domainOf(manifest: Proven, chain: BuiltinChain): Domain {
  const wire = manifest.hook === 'netfilter' ? netfilterDomain(manifest) : wireDomain(manifest, chain);
  const outside = [
    ...(rules(manifest, / -m (limit|recent|hashlimit)\b/)
      ? [
          'what limit, recent and hashlimit answer and remember: proved is for which packets they are asked, and what follows from either answer',
        ]
      : []),
    ...(rules(manifest, / -j (LOG|NFLOG|ULOG)\b/)
      ? ['what an event of LOG says: proved is for which packets it is written']
      : []),
  ];
  return { ...wire, outside: [...wire.outside, ...outside] };
}

function wireDomain(manifest: Proven, chain: BuiltinChain): Domain {
  const { hook, family } = manifest;
  const inside = [
    'every frame of 0 to 65535 bytes, whatever its bytes are: truncated, padded, fragments, broken headers',
    family === 'v4'
      ? 'up to two VLAN tags; every IPv4 header length, so every number of IP options'
      : 'up to two VLAN tags (one header or none behind them)',
    'every device name and index',
    ...(chain === 'INPUT' || chain === 'FORWARD' ? ['every answer of the routes (bpf_fib_lookup)'] : []),
    ...(hook === 'tc' ? ['every mark, packet type, VLAN and socket that the kernel may have for the packet'] : []),
    ...(hook === 'tc' && isLeaving(chain) ? [CONNECTIONS] : []),
  ];
  const outside = [
    ...(family === 'v6' ? [OTHER_HEADERS] : []),
    ...(answers(manifest)
      ? [
          'what REJECT answers, and whether: proved is that such a packet is not let through, its rule, and the kind of answer',
        ]
      : []),
    ...(hook === 'tc'
      ? [
          'packets of which less than 512 bytes, and not all, lie in one piece before the program pulls them',
          'GSO packets of more than 64 KiB',
        ]
      : []),
  ];
  const trusted = [
    ...TRUSTED,
    'what helpers answer: map_lookup_elem finds every counter, fib_lookup answers as the routes do',
  ];
  return { inside, outside, trusted };
}

/** Packets come here as the stack has checked, trimmed, reassembled and routed them. */
function netfilterDomain(manifest: Proven): Domain {
  const { family, asks } = manifest;
  const inside = [
    family === 'v4'
      ? 'every IPv4 packet that the stack brings to the hook: of up to 65535 bytes, as long as its header says, with every header length'
      : `every IPv6 packet of up to 65535 bytes with ${IPV6_BOUND}`,
    'every mark, packet type, device name and owner of a socket, and every type of the route',
    CONNECTIONS,
  ];
  const outside = [
    ...(family === 'v6' ? [OTHER_HEADERS] : []),
    'GSO packets of more than 64 KiB',
    ...(answers(manifest)
      ? [
          'what iptables answers to packets that are noted for REJECT: proved is which packets are noted, and with which answer',
        ]
      : []),
    ...(asks === undefined ? [] : ['what iptables is asked in front of the program: its answers are any']),
  ];
  const trusted = [
    ...TRUSTED,
    'what helpers answer: map_lookup_elem finds every counter, dynptr_read and bpf_rdonly_cast read the packet, probe_read_kernel the kernel',
    'that files have credentials, and that the listener of a request is not in TIME_WAIT',
  ];
  return { inside, outside, trusted };
}

const CONNECTIONS = 'every state of the connection, with every mapping';
const OTHER_HEADERS = `packets with other extension headers than: ${IPV6_BOUND}`;
const TRUSTED = [
  'the meaning of matches (grammar/modules), which the reference, too, takes for iptables',
  'the prover itself (src/prove), the reader of object files, and that the kernel runs eBPF as RFC 9669 says',
];

function answers(manifest: Proven): boolean {
  return manifest.reject === 'answer' && rules(manifest, / -j REJECT\b/);
}

function rules({ counters }: Proven, pattern: RegExp): boolean {
  return counters.some((entry) => entry.kind === 'rule' && pattern.test(entry.text));
}
