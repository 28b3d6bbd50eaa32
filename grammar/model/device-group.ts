/**
 * A test of `-m devgroup`: the group of the device that the packet came in by, or leaves by, is `value` in the bits of
 * `mask`; bits of `value` outside of it are not looked at (net/netfilter/xt_devgroup.c devgroup_mt). 32 bits, unsigned.
 */
export interface DeviceGroupTest {
  readonly which: 'in' | 'out';
  readonly value: number;
  readonly mask: number;
}

export function isInGroup({ value, mask }: DeviceGroupTest, group: number): boolean {
  return ((group ^ value) & mask) === 0;
}

/** Options of `-m devgroup` that ask this. */
export function deviceGroupWords({ which, value, mask }: DeviceGroupTest): readonly string[] {
  return [which === 'in' ? '--src-group' : '--dst-group', `0x${value.toString(16)}/0x${mask.toString(16)}`];
}
