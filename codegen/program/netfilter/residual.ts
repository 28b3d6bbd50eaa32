import type { Manifest } from '../manifest.js';

/**
 * What is left of table filter in iptables once a netfilter object judges in its place: chains that accept everything,
 * but for one rule a kind of answer, which asks a pinned program of the object whether the packet is to be rejected.
 * `directory`: where the object's programs are pinned by their names.
 */
export function residualFilter(
  { programs, answers }: Pick<Manifest, 'programs' | 'answers'>,
  directory: string,
): string {
  const given = answers?.programs ?? [];
  const chains = programs.map(({ chain }) => `:${chain} ACCEPT [0:0]`);
  const resets = given.some(({ type }) => type === 'tcp-reset');
  if (resets) chains.push(`:${RESET_CHAIN} - [0:0]`);
  const rules = given.flatMap(({ name, type, chains: where }) => {
    const target = type === 'tcp-reset' ? `-j ${RESET_CHAIN}` : `-j REJECT --reject-with ${type}`;
    return where.map((chain) => `-A ${chain} -m bpf --object-pinned ${directory}/${name} ${target}`);
  });
  if (resets) rules.push(`-A ${RESET_CHAIN} -p tcp -j REJECT --reject-with tcp-reset`, `-A ${RESET_CHAIN} -j DROP`);
  return ['*filter', ...chains, ...rules, 'COMMIT', ''].join('\n');
}

/**
 * REJECT wants `-p tcp` in a rule that resets. In a chain that every packet comes to it would drop IPv6 packets at once
 * whose headers cannot be followed (ip6_packet_match of net/ipv6/netfilter/ip6_tables.c), which the rules may accept.
 */
const RESET_CHAIN = 'ipt2bpf-reset';
