import { defineVerbatimTarget, isEmpty, option, type OptionsOf, type RuleParts, type ValueType } from '../define.js';
import { fullMask } from '../value/address.js';
import { parseMac, printMac } from '../value/mac.js';
import { number, UINT32 } from '../value/number.js';
import { choice, flag } from '../value/text.js';

const MODES = ['sourceip', 'sourceip-sourceport', 'sourceip-sourceport-destport'] as const;
const NODES = 16;

/** The bit of an Ethernet address that many stations share. */
const MULTICAST = 1n << 40n;

const multicastMac: ValueType<bigint> = {
  arity: 1,
  placeholder: 'XX:XX:XX:XX:XX:XX',
  parse: ([word]) => {
    const parsed = parseMac(word);
    if ('error' in parsed || (parsed.value & MULTICAST) !== 0n) return parsed;
    return { error: `"${word}" is not a multicast address` };
  },
  print: (address) => [printMac(address).toUpperCase()],
};

/** In the order in which they are printed. */
const OPTIONS = {
  new: option('--new', flag, { doc: 'make the cluster; without it, join the one of this address' }),
  mode: option(
    '--hashmode',
    choice('hash mode', (word) => MODES.find((mode) => mode === word), MODES),
    { doc: 'what decides which node answers' },
  ),
  mac: option('--clustermac', multicastMac, { doc: 'Ethernet address that the nodes share' }),
  nodes: option('--total-nodes', number({ max: NODES }), { doc: 'nodes of the cluster' }),
  node: option('--local-node', number({ min: 1, max: NODES }), { doc: 'number of this node' }),
  init: option('--hash-init', number({ max: UINT32 }), { doc: 'start value of the hash, 0 if left out' }),
};

type Options = OptionsOf<typeof OPTIONS>;

function check(options: Options): string[] {
  const { new: made, mode, mac, nodes, node } = options;
  const whole = [made, mode, mac, nodes, node].every((given) => given !== undefined);
  return isEmpty(options) || whole
    ? []
    : ['--new, --hashmode, --clustermac, --total-nodes and --local-node are needed together'];
}

/** `clusterip_tg_check` */
function checkRule({ new: made }: Options, { destinations, inInterface }: RuleParts): string[] {
  const errors: string[] = [];
  const single = destinations.every((to) => to !== undefined && to.address !== 0n && to.mask === fullMask('v4'));
  if (destinations.length === 0 || !single) errors.push('CLUSTERIP needs -d with the one address of the cluster');
  if (made !== undefined && inInterface === undefined) errors.push('--new needs -i with the interface of the cluster');
  return errors;
}

function print(
  { new: made, mode, mac, nodes, node, init }: Options,
  context: Parameters<typeof multicastMac.print>[1],
) {
  if (made === undefined) return [];
  return [
    OPTIONS.new.flag,
    ...[OPTIONS.mode.flag, mode?.value ?? MODES[0]],
    ...[OPTIONS.mac.flag, ...multicastMac.print(mac?.value ?? 0n, context)],
    ...[OPTIONS.nodes.flag, String(nodes?.value ?? 0)],
    ...[OPTIONS.node.flag, String(node?.value ?? 0)],
    ...[OPTIONS.init.flag, String(init?.value ?? 0)],
  ];
}

/** Nodes that share an address and each answer some clients. Kernels before 6.3 have it (ipt_CLUSTERIP). */
export const clusterip = defineVerbatimTarget({
  name: 'CLUSTERIP',
  families: ['v4'],
  doc: 'drop what another node of the cluster answers',
  options: OPTIONS,
  check,
  checkRule,
  print,
});
