import { defineVerbatimTarget, option, type ModuleContext, type OptionsOf } from '../define.js';
import { host, printAddress } from '../value/address.js';
import { markMask } from '../value/mark.js';
import { hex } from '../value/number.js';
import { resolvedPort } from '../value/port.js';

const OPTIONS = {
  port: option('--on-port', resolvedPort, { required: true, doc: 'port of the local socket' }),
  address: option('--on-ip', host, { doc: 'address of the local socket' }),
  mark: option('--tproxy-mark', markMask, { doc: 'mark to set on the packet' }),
};

function check(_: OptionsOf<typeof OPTIONS>, { protocol }: ModuleContext): string[] {
  const known = protocol !== undefined && !protocol.inverted && (protocol.number === 6 || protocol.number === 17);
  return known ? [] : ['TPROXY needs -p tcp or -p udp'];
}

/** Hand the packet to a local socket as it is (net/netfilter/xt_TPROXY.c). */
export const tproxy = defineVerbatimTarget({
  name: 'TPROXY',
  families: ['v4', 'v6'],
  tables: ['mangle'],
  hooks: ['PREROUTING'],
  doc: 'hand the packet to a local socket as it is',
  options: OPTIONS,
  check,
  print: ({ port, address, mark }, { family }) => [
    OPTIONS.port.flag,
    String(port?.value ?? 0),
    OPTIONS.address.flag,
    printAddress(address?.value ?? 0n, family),
    OPTIONS.mark.flag,
    mark === undefined ? '0x0/0x0' : `${hex(mark.value.value)}/${hex(mark.value.mask)}`,
  ],
});
