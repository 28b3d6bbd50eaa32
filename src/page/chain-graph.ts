import { isBuiltin, type Chain, type RuleRef, type Table } from '../../grammar/model/ruleset.js';

/** A chain of a table, with who comes to it and where it leads. */
export interface ChainNode {
  readonly chain: Chain;
  /** Rules that jump or go to it. */
  readonly callers: readonly RuleRef[];
  /** Names of chains that its rules lead to, each once, in the order of the rules. */
  readonly callees: readonly string[];
  /** Longest way from a built-in chain, in jumps; undefined where no packet comes to it. */
  readonly depth: number | undefined;
}

export type ChainGraph = ReadonlyMap<string, ChainNode>;

/** The chains of a table and their jumps. A table with a loop, which the kernel would refuse, keeps it. */
export function chainGraph(table: Table): ChainGraph {
  const callers = new Map<string, RuleRef[]>(table.chains.map(({ name }) => [name, []]));
  const callees = new Map<string, Set<string>>(table.chains.map(({ name }) => [name, new Set()]));
  for (const chain of table.chains) {
    chain.rules.forEach(({ target: { effect } }, at) => {
      if (effect.kind !== 'jump') return;
      callers.get(effect.chain)?.push({ chain: chain.name, number: at + 1 });
      if (callees.has(effect.chain)) callees.get(chain.name)?.add(effect.chain);
    });
  }
  const depths = depthsOf(table.chains, callees);
  return new Map(
    table.chains.map((chain) => [
      chain.name,
      {
        chain,
        callers: callers.get(chain.name) ?? [],
        callees: [...(callees.get(chain.name) ?? [])],
        depth: depths.get(chain.name),
      },
    ]),
  );
}

/** Longest ways, by taking chains in the order of a depth-first walk's ends. */
function depthsOf(
  chains: readonly Chain[],
  callees: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlyMap<string, number> {
  const order: string[] = [];
  const seen = new Set<string>();
  const open: { readonly name: string; readonly rest: Iterator<string> }[] = [];
  const enter = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    open.push({ name, rest: (callees.get(name) ?? new Set<string>())[Symbol.iterator]() });
  };
  const roots = chains.filter(isBuiltin);
  for (const root of roots) {
    enter(root.name);
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.rest.next();
      if (next.done === true) order.push(open.pop()?.name ?? top.name);
      else enter(next.value);
    }
  }
  const depths = new Map(roots.map(({ name }) => [name, 0]));
  const position = new Map(order.map((name, at) => [name, at]));
  for (const name of order.reverse()) {
    const depth = depths.get(name) ?? 0;
    for (const callee of callees.get(name) ?? []) {
      // The other way round it is the jump that closes a loop.
      if ((position.get(callee) ?? 0) < (position.get(name) ?? 0)) {
        depths.set(callee, Math.max(depths.get(callee) ?? 0, depth + 1));
      }
    }
  }
  return depths;
}

/** How many rules a packet can come to at most, from the beginning of each chain. */
export function longestWalks(graph: ChainGraph): ReadonlyMap<string, number> {
  const walks = new Map<string, number>();
  const byDepth = [...graph.values()].sort((a, b) => (b.depth ?? 0) - (a.depth ?? 0));
  for (const { chain } of byDepth) {
    const beyond = chain.rules.map(({ target: { effect } }) =>
      effect.kind === 'jump' ? (walks.get(effect.chain) ?? 0) : 0,
    );
    walks.set(
      chain.name,
      beyond.reduce((sum, walk) => sum + walk, chain.rules.length),
    );
  }
  return walks;
}
