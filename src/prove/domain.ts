import type { Manifest } from '../../codegen/program/manifest.js';
import type { BuiltinChain } from '../../grammar/model/family.js';

/** For which packets a proof holds, and what it takes for granted: each a sentence. */
export interface Domain {
  readonly inside: readonly string[];
  readonly outside: readonly string[];
  readonly trusted: readonly string[];
}

/** The domain of proofs about objects on the wire. */
export function domainOf(manifest: Pick<Manifest, 'hook' | 'reject' | 'counters'>, chain: BuiltinChain): Domain {
  const { hook } = manifest;
  const inside = [
    'every frame of 0 to 65535 bytes, whatever its bytes are: truncated, padded, fragments, broken headers',
    'up to two VLAN tags; every IPv4 header length, so every number of IP options',
    'every device name and index',
    ...(chain === 'INPUT' || chain === 'FORWARD' ? ['every answer of the routes (bpf_fib_lookup)'] : []),
    ...(hook === 'tc' ? ['every mark, packet type, VLAN and socket that the kernel may have for the packet'] : []),
  ];
  const outside = [
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
    'the meaning of matches (grammar/modules), which the reference, too, takes for iptables',
    'the prover itself (src/prove), the reader of object files, and that the kernel runs eBPF as RFC 9669 says',
    'what helpers answer: map_lookup_elem finds every counter, fib_lookup answers as the routes do',
  ];
  return { inside, outside, trusted };
}

function answers({ reject, counters }: Pick<Manifest, 'reject' | 'counters'>): boolean {
  return reject === 'answer' && counters.some((entry) => entry.kind === 'rule' && / -j REJECT\b/.test(entry.text));
}
