import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { DeviceGroupTest } from '../../grammar/model/device-group.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { DEFAULT_RECENT_ENTRIES } from '../../grammar/model/memory.js';
import type { Analysis } from './analysis.js';
import { type ChainPlan, EngineTables } from './engine/index.js';
import { type Fact, type FlowLayout, layoutFlow } from './flow.js';
import { CounterKeys } from './keys.js';
import type { Engine } from './manifest.js';
import { MemoryTests } from './memory-tests.js';
import { AskPlan } from './netfilter/ask-plan.js';
import { NotePlan } from './netfilter/note-plan.js';
import type { Optimized } from '../optimize/index.js';
import type { ReachableRule } from './reachable.js';
import { TracePlan } from './trace.js';
import { SetFunctions } from './sets/index.js';
import { askedWords, isWireView } from './view.js';
import { roomOf, type VisitPlan } from './visits/plan.js';

/** What the programs of one object have in common. */
export interface Common {
  readonly layout: FlowLayout;
  readonly counters: CounterKeys;
  readonly memory: MemoryTests;
  readonly sets: SetFunctions;
  /** What is left to iptables (netfilter). */
  readonly notes: NotePlan;
  /** What iptables is asked in front of the programs (netfilter). */
  readonly asks: AskPlan;
  /** Where long chains are looked up in diagrams. */
  readonly tables?: EngineTables;
  readonly engine: Engine;
  /** Whether the optimizer runs, and what it has made of each program. */
  readonly optimizes: boolean;
  readonly optimized: Map<BuiltinChain, Optimized<ReachableRule>>;
  /** How the chains are judged, as they are compiled. */
  readonly plans: ChainPlan[];
  /** Whether the programs compare with iptables, and decide nothing. */
  readonly shadow: boolean;
  /** Whether the names of functions must tell the programs apart. */
  readonly several: boolean;
  /** Chains that are judged once for all jumps to them, of each program, where calls would nest too deep. */
  readonly visits?: ReadonlyMap<BuiltinChain, VisitPlan>;
  /** What events of traced packets say, where packets may be traced. */
  readonly traces?: TracePlan;
}

/** What one object of these chains has in common. */
export function commonOf(
  analyses: readonly Analysis[],
  hz: number,
  recentEntries = DEFAULT_RECENT_ENTRIES,
  engine: Engine = 'auto',
  shadow = false,
  optimizes = true,
  visits?: ReadonlyMap<BuiltinChain, VisitPlan>,
): Common {
  const [{ view, ruleset }] = analyses;
  const used = new Set(analyses.flatMap((analysis) => [...analysis.used]));
  const counters = new CounterKeys(analyses);
  const traced = analyses.some((analysis) => analysis.traced);
  // Events come from each rule by itself.
  const looksUp = engine !== 'linear' && !traced;
  return {
    layout: layoutFlow(used, view.family, factsOf(analyses), visits === undefined ? undefined : roomOf(visits)),
    ...(visits === undefined ? {} : { visits }),
    counters,
    memory: new MemoryTests(ruleset, hz, recentEntries),
    sets: setFunctionsOf(analyses),
    notes: new NotePlan(analyses, shadow),
    asks: new AskPlan(analyses),
    ...(looksUp ? { tables: new EngineTables() } : {}),
    ...(traced ? { traces: new TracePlan(analyses, counters) } : {}),
    engine,
    plans: [],
    optimizes,
    optimized: new Map(),
    shadow,
    several: analyses.length > 1,
  };
}

/** The sets that rules ask for. */
function setFunctionsOf(analyses: readonly Analysis[]): SetFunctions {
  const sets = new SetFunctions();
  for (const { asking, view } of analyses) {
    for (const { meaning } of asking) {
      visitCondition(meaning.condition, {
        opaque: (test) => {
          if (askedWords(test, view) !== undefined) return;
          if ((test.name === 'set' || test.name === 'counted-set') && !meaning.undecided) sets.announce(test.test);
        },
      });
    }
  }
  return sets;
}

/** What some rule asks the hook beside the packet. */
export function factsOf(analyses: readonly Analysis[]): ReadonlySet<Fact> {
  const facts = new Set<Fact>();
  if (analyses.some(({ left }) => (left?.goingOn.length ?? 0) > 0)) facts.add('targets');
  for (const analysis of analyses) if (new AskPlan([analysis]).questions.length > 0) facts.add('asked');
  if (analyses.some(({ places }) => places !== undefined)) facts.add('places');
  for (const { meaning } of analyses.flatMap(({ view, asking }) => (isWireView(view) ? [] : asking))) {
    visitCondition(meaning.condition, {
      opaque: (test) => {
        if (test.name === 'owner') facts.add('owner');
        if (test.name === 'addrtype') facts.add('route-type');
      },
    });
  }
  for (const { meaning } of analyses.flatMap(({ view, asking }) => (isWireView(view) ? asking : []))) {
    visitCondition(meaning.condition, {
      opaque: (test) => {
        if (test.name === 'devgroup') facts.add(groupFact(test));
      },
    });
  }
  if (analyses.some(logsOwners)) facts.add('owner');
  if (analyses.some(({ traced }) => traced)) facts.add('traced').add('owner');
  return facts;
}

/** Where the answer to a test of a device's group is kept. */
export function groupFact({ which }: DeviceGroupTest): Fact {
  return which === 'in' ? 'in-group' : 'out-group';
}

/** include/uapi/linux/netfilter/nf_log.h */
const NF_LOG_UID = 8;

/** Whether log lines name the owner of the socket, where it is known. */
function logsOwners({ view, rules }: Pick<Analysis, 'view' | 'rules'>): boolean {
  if (isWireView(view)) return false;
  return rules.some(({ rule: { rule } }) => {
    const { effect } = rule.target;
    return effect.kind === 'log' && (effect.flags & NF_LOG_UID) !== 0;
  });
}

/** Where a fact is in the flow. */
export function factAt({ facts }: FlowLayout, fact: Fact): number {
  const offset = facts.get(fact);
  if (offset === undefined) throw new Error(`${fact} is tested but not in the flow`);
  return offset;
}

export function entryName(chain: BuiltinChain): string {
  return `ipt2bpf_${chain.toLowerCase()}`;
}

/** Start of the names of a program's functions, where several programs are in one object. */
export function functionPrefix(analysis: Analysis, common: Common): string {
  return common.several ? `${analysis.chain.toLowerCase()}_` : '';
}
