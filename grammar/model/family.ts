/** Address family of a ruleset: `iptables` (v4) or `ip6tables` (v6). */
export type Family = 'v4' | 'v6';

/** The tables of the kernel. */
export type TableName = 'filter' | 'nat' | 'mangle' | 'raw' | 'security';

/** Chains that the kernel calls. */
export type BuiltinChain = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

/** Whether packets of a chain are on their way to a device, without a link header yet. */
export function isLeaving(chain: BuiltinChain): boolean {
  return chain === 'OUTPUT' || chain === 'POSTROUTING';
}

/** Built-in chains of each table in the order `iptables-save` prints them (kernel: `xt_table.valid_hooks`). */
export const BUILTIN_CHAINS: Readonly<Record<TableName, readonly BuiltinChain[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};
