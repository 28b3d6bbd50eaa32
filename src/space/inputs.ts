import {
  ADDRESS_TYPES,
  type CtState,
  type IdTest,
  type Opaque,
  type OwnerTest,
} from '../../grammar/model/condition.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import type { IntervalSet } from '../../grammar/model/interval.js';
import { mayDrop, mayDropMatching, payloadKey, type PayloadTest } from '../../grammar/model/payload.js';
import { constant, FALSE, TRUE, type Diagrams, type Node, type Range } from './diagram.js';
import { BASE_STATES, SOCKETS, type Input, type Meaning } from './meaning.js';
import { DROPPING, HOTDROP, NO, YES } from './outcome.js';

/** Numbers of processors (NR_CPUS of Debian's kernels). */
const PROCESSORS = 8192;

type AddressTypeTest = Extract<Opaque, { name: 'addrtype' }>;

interface Context {
  readonly hook: BuiltinChain;
  /** The test on the type of an address that may be known without the routes. */
  addressType(test: AddressTypeTest): Node;
  /** Whether each place that asks may get another answer. */
  isOwn(test: Opaque): boolean;
}

/** The variables that are no part of the packet's fields. The same question is the same variable. */
export class Inputs {
  readonly #variables = new Map<string, number>();

  constructor(
    private readonly diagrams: Diagrams,
    private readonly meanings: Meaning[],
    private readonly context: Context,
  ) {}

  /** Makes the variables that are to be tested before all fields. */
  declare(tests: readonly Opaque[]): void {
    const states = new Set(tests.flatMap((test) => (test.name === 'ctstate' ? test.states : [])));
    if (states.size === 0) return;
    this.#variable({ kind: 'state' }, BASE_STATES.length);
    for (const state of ['SNAT', 'DNAT'] as const) if (states.has(state)) this.#bit(state);
  }

  #variable(input: Input, size: number): number {
    const key = keyOf(input);
    let variable = this.#variables.get(key);
    if (variable === undefined) {
      variable = this.diagrams.addVariable(size);
      this.#variables.set(key, variable);
      this.meanings[variable] = { kind: 'input', input };
    }
    return variable;
  }

  #bit(state: 'SNAT' | 'DNAT'): number {
    return this.#variable({ kind: 'state-bit', state }, 2);
  }

  #yes(input: Input): Node {
    return this.diagrams.test(this.#variable(input, 2), [[1, 1]]);
  }

  tcpOption(option: number): Node {
    return this.#yes({ kind: 'tcp-option', option });
  }

  /** Whether the routes say one of the types. */
  addressType(which: 'src' | 'dst', limit: 'in' | 'out' | undefined, types: IntervalSet): Node {
    const variable = this.#variable({ kind: 'address-type', which, limit }, ADDRESS_TYPES.length);
    return this.diagrams.test(
      variable,
      types.map(({ lo, hi }): Range => [Number(lo), Number(hi)]),
    );
  }

  /** Translated addresses belong to connections (net/netfilter/xt_conntrack.c conntrack_mt). */
  feasible(): Node {
    const { diagrams } = this;
    const state = this.#variables.get(keyOf({ kind: 'state' }));
    if (state === undefined) return TRUE;
    const connected = diagrams.test(state, [[BASE_STATES.indexOf('NEW'), BASE_STATES.indexOf('ESTABLISHED')]]);
    let all: Node = TRUE;
    for (const bit of ['SNAT', 'DNAT'] as const) {
      if (!this.#variables.has(keyOf({ kind: 'state-bit', state: bit }))) continue;
      const set = this.#yes({ kind: 'state-bit', state: bit });
      all = diagrams.and(all, diagrams.or(connected, diagrams.not(set)));
    }
    return all;
  }

  test(test: Opaque, occurrence: string): Node {
    switch (test.name) {
      case 'ctstate':
        return this.#state(test.states);
      case 'addrtype':
        return this.context.addressType(test);
      case 'owner':
        return this.#owner(test);
      case 'cpu': {
        const on = this.diagrams.test(this.#variable({ kind: 'cpu' }, PROCESSORS), [[test.cpu, test.cpu]]);
        return test.inverted ? this.diagrams.not(on) : on;
      }
      case 'devgroup':
        return this.#yes({ kind: 'test', test });
      case 'bridge-port':
        // What this host sends has come over no bridge.
        if (this.context.hook === 'OUTPUT') return test.allInverted ? TRUE : FALSE;
        return this.#yes({ kind: 'test', test });
      case 'recent':
        // recent_mt (net/netfilter/xt_recent.c): putting an address on the list always succeeds.
        if (test.test.action === 'set') return test.test.inverted ? FALSE : TRUE;
        return this.#yes({ kind: 'test', test, occurrence });
      case 'limit':
      case 'hashlimit':
      case 'quota':
      case 'nth':
      case 'connlimit':
      case 'counted-set':
      case 'random':
        return this.#yes({ kind: 'test', test, occurrence });
      case 'time':
      case 'set':
      case 'conntrack':
      case 'module':
        return this.#yes({ kind: 'test', test, ...(this.context.isOwn(test) ? { occurrence } : {}) });
    }
  }

  #state(states: readonly CtState[]): Node {
    const { diagrams } = this;
    const ranges = BASE_STATES.flatMap((state, i): Range[] => (states.includes(state) ? [[i, i]] : []));
    let holds = diagrams.test(this.#variable({ kind: 'state' }, BASE_STATES.length), ranges);
    for (const state of ['SNAT', 'DNAT'] as const) {
      if (states.includes(state)) holds = diagrams.or(holds, this.#yes({ kind: 'state-bit', state }));
    }
    return holds;
  }

  /** owner_mt (net/netfilter/xt_owner.c), as the reference has it (src/evaluate/oracle.ts isOwner). */
  #owner({ socket, user, group }: OwnerTest): Node {
    const { diagrams } = this;
    const onlyInverted = (...tests: readonly (OwnerTest['socket'] | undefined)[]): Node =>
      tests.every((one) => one === undefined || one.inverted) ? TRUE : FALSE;
    const holds = (which: 'user' | 'group', ids: IdTest | undefined): Node => {
      if (ids === undefined) return TRUE;
      const inside = diagrams.test(this.#variable({ kind: 'owner', which }, 2 ** 32), [[ids.lo, ids.hi]]);
      return ids.inverted ? diagrams.not(inside) : inside;
    };
    const barred = socket?.inverted === true;
    const kind = this.#variable({ kind: 'socket' }, SOCKETS.length);
    const owned = diagrams.and(holds('user', user), holds('group', group));
    return SOCKETS.reduce((sum: Node, name, i) => {
      const here =
        name === 'none' ? onlyInverted(socket, user, group) : name === 'file' ? owned : onlyInverted(user, group);
      const allowed = name !== 'none' && barred ? FALSE : here;
      return diagrams.or(sum, diagrams.and(diagrams.test(kind, [[i, i]]), allowed));
    }, FALSE);
  }

  /** Whether something holds of what a target has changed. */
  changed(what: string, asked?: { readonly test: Opaque; readonly by: string }): Node {
    return this.#yes({ kind: 'changed', what, ...(asked === undefined ? {} : { asked }) });
  }

  /** What a target does that is not understood: 0 goes on, 1 accepts, 2 drops. */
  target(target: string, words: readonly string[], occurrence: string): Node {
    const variable = this.#variable({ kind: 'target', target, words, occurrence }, 3);
    return this.diagrams.node(variable, [0, 1, 2], [constant(0), constant(1), constant(2)]);
  }

  payload(test: PayloadTest, rewritten?: string): Node {
    const outcomes = [NO, YES];
    if (mayDrop(test)) outcomes.push(HOTDROP);
    if (mayDropMatching(test)) outcomes.push(DROPPING);
    const variable = this.#variable(
      { kind: 'payload', test, ...(rewritten === undefined ? {} : { rewritten }) },
      outcomes.length,
    );
    return this.diagrams.node(
      variable,
      outcomes.map((_, i) => i),
      outcomes,
    );
  }
}

function keyOf(input: Input): string {
  switch (input.kind) {
    case 'payload':
      return `payload ${payloadKey(input.test)} ${input.rewritten ?? ''}`;
    case 'test':
      return `test ${testKey(input.test)} ${input.occurrence ?? ''}`;
    case 'changed':
      return `changed ${input.what}`;
    case 'state':
    case 'state-bit':
    case 'address-type':
    case 'socket':
    case 'owner':
    case 'cpu':
    case 'tcp-option':
    case 'target':
      return JSON.stringify(input);
  }
}

/** The same text for the same test. */
export function testKey(test: Opaque): string {
  return JSON.stringify(test, (key, value: unknown) => {
    if (typeof value === 'bigint') return `0x${value.toString(16)}`;
    // Where a set was created says nothing about its members.
    return key === 'place' || key === 'changedBy' ? undefined : value;
  });
}
