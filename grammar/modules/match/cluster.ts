import { defineVerbatimMatch, option, type OptionsOf } from '../define.js';
import { hex, number, UINT32 } from '../value/number.js';

/** Nodes at most (XT_CLUSTER_NODES_MAX). */
const NODES = 32;

const count = number({ min: 1, max: NODES });

/** In the order in which they are printed. */
const OPTIONS = {
  node: option('--cluster-local-node', count, { invertible: true, excludes: ['nodes'], doc: 'this node' }),
  // The tool wrongly holds the mask to the number of nodes, so that it does not read what it saved itself.
  nodes: option('--cluster-local-nodemask', number({ min: 1, max: UINT32 }), {
    invertible: true,
    doc: 'mask of the nodes that this one stands for',
  }),
  total: option('--cluster-total-nodes', count, { required: true, doc: 'nodes in the cluster' }),
  seed: option('--cluster-hash-seed', number({ max: UINT32 }), {
    required: true,
    doc: "seed of the connection's hash",
  }),
};

export type ClusterOptions = OptionsOf<typeof OPTIONS>;

/** Bit 0 stands for node 1. */
export function nodeMask({ node, nodes }: ClusterOptions): number {
  return node === undefined ? (nodes?.value ?? 0) : 2 ** (node.value - 1);
}

function check(options: ClusterOptions): string[] {
  const { node, nodes, total } = options;
  if ((node ?? nodes) === undefined) return ['--cluster-local-node or --cluster-local-nodemask is needed'];
  if (nodeMask(options) < 2 ** (total?.value ?? 0)) return [];
  const { flag } = node === undefined ? OPTIONS.nodes : OPTIONS.node;
  return [`${flag} names a node beyond --cluster-total-nodes`];
}

/** Share of the connections that one node of a cluster takes (net/netfilter/xt_cluster.c). */
export const cluster = defineVerbatimMatch({
  name: 'cluster',
  families: ['v4', 'v6'],
  doc: 'connections that this node of a cluster takes',
  options: OPTIONS,
  check,
  print: (options) => [
    ...((options.node ?? options.nodes)?.inverted === true ? ['!'] : []),
    ...[OPTIONS.nodes.flag, hex(nodeMask(options), 8)],
    ...[OPTIONS.total.flag, String(options.total?.value ?? 0)],
    ...[OPTIONS.seed.flag, hex(options.seed?.value ?? 0, 8)],
  ],
});
