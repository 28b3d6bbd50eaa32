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
  const chains = programs.map(({ chain }) => `:${chain} ACCEPT [0:0]`);
  const rules = (answers?.programs ?? []).flatMap(({ name, type, chains: where }) =>
    where.map((chain) => {
      // REJECT takes resets for TCP alone.
      const protocol = type === 'tcp-reset' ? '-p tcp ' : '';
      return `-A ${chain} ${protocol}-m bpf --object-pinned ${directory}/${name} -j REJECT --reject-with ${type}`;
    }),
  );
  return ['*filter', ...chains, ...rules, 'COMMIT', ''].join('\n');
}
