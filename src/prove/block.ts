import { VERDICT } from '../../codegen/program/verdict.js';
import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import type { AskingRule } from './asked-tests.js';
import { FALSE, type Ref } from './bdd.js';
import type { Executor, Ran } from './executor.js';
import type { FlatChain, FlatRule } from './flat-chain.js';
import { CODE_BITS } from './specification.js';
import { bitsOf, type Log, type State } from './state.js';
import { unsupported } from './unprovable.js';
import { constantBits, type Bits, type Words } from './words.js';

/** What a block of code does, over the fields. */
export interface Done {
  /** Verdict codes that the function returns, and when. */
  readonly codes: ReadonlyMap<number, Ref>;
  readonly events: ReadonlyMap<string, Ref>;
  /** When it returns because its rules have come to an end. */
  readonly falls: Ref;
}

/** A call of a part of a chain: when, what it returns, and the rule at which the next part begins. */
export interface ChainCall {
  readonly condition: Ref;
  readonly result: Bits;
  readonly end: number | undefined;
}

/** What has happened in the code from one place of rules to the next ones. */
export interface Block {
  /** Place of the rule, and whether its own code begins here. */
  readonly place: number;
  readonly isRule: boolean;
  readonly rule: FlatRule | undefined;
  /** Places of rules that have matched on the way. */
  readonly matched: number[];
  readonly calls: ChainCall[];
  readonly asking: AskingRule;
}

export interface RanBlock {
  readonly block: Block;
  readonly ran: Ran;
}

/** To the places where rules begin, and on from those where one has matched, way by way: what it counts is a number then. */
export function runBlock(
  executor: Executor,
  placed: PlacedFunction,
  at: number,
  state: State,
  block: Block,
  { cuts }: FlatChain,
): Ran {
  const exits: State[] = [];
  const stopped = new Map<number, State>();
  const live = executor.code.liveOf(placed);
  const open: (readonly [number, State])[] = [[at, state]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [from, there] = next;
    const ran = executor.run(placed, from, there, cuts.all);
    exits.push(...ran.exits);
    for (const [stop, arrived] of ran.stopped) {
      const place = cuts.matched.get(stop);
      const known = stopped.get(stop);
      if (place !== undefined) {
        block.matched.push(place);
        open.push([stop, arrived]);
      } else if (known === undefined) {
        stopped.set(stop, arrived);
      } else {
        known.join(arrived, live[stop - placed.start], executor.words);
      }
    }
  }
  return { exits, stopped };
}

/** What a block of code does, over the fields. */
export function summarise({ exits, stopped }: Ran, words: Words): Done {
  const { bdd } = words;
  const codes = new Map<number, Ref>();
  const events = new Map<string, Ref>();
  let falls: Ref = FALSE;
  const take = (log: Log): void => {
    for (const [event, condition] of log) events.set(event, bdd.or(events.get(event) ?? FALSE, condition));
  };
  for (const state of exits) {
    take(state.log);
    const r0 = state.registers[0];
    const bits = r0 === undefined ? undefined : bitsOf(r0, words);
    if (bits === undefined) throw unsupported('a verdict that is no number');
    if (bits.length > CODE_BITS) events.set('fault: no verdict code', state.condition);
    for (let code = 0; code < 1 << CODE_BITS; code++) {
      const here = bdd.and(state.condition, words.equal(bits, constantBits(BigInt(code))));
      if (here === FALSE) continue;
      if (code === VERDICT.NEXT) falls = bdd.or(falls, here);
      else codes.set(code, bdd.or(codes.get(code) ?? FALSE, here));
    }
  }
  for (const [, state] of stopped) take(state.log);
  return { codes, events, falls };
}
