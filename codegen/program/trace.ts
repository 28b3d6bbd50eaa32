/**
 * TRACE: table raw marks a packet (skb->nf_trace), and from there on every table that it comes to logs each rule that it matches
 * (ip_tables.c trace_packet). Table raw stays with the kernel; a program at netfilter reads the mark and writes an event for
 * each rule, end of a chain and policy, whose line begins as the kernel's.
 */
import {
  addFieldOffset,
  alu32,
  alu64,
  callFunction,
  jump32,
  load,
  mov32,
  mov64,
  R1,
  R10,
  R2,
  R3,
  R4,
  R7,
  reg,
  shiftField,
  store,
  type Instruction,
} from '../bytecode/instruction.js';
import type { Rule } from '../../grammar/model/ruleset.js';
import type { KernelStruct } from '../object/spec.js';
import type { Analysis } from './analysis.js';
import type { Code } from './code.js';
import type { CounterKeys } from './keys.js';
import { MOST_LOGGED_BYTES } from './log.js';
import type { EventRule } from './manifest.js';

/** Set in the number of an event that is a trace; the rest is a counter's key, or behind all of them the end of a chain. */
export const TRACE_BIT = 0x8000_0000;

/** The bit field by itself (a flavour of the struct), in a place that the other view of `struct sk_buff` leaves free. */
export const TRACE_STRUCT: KernelStruct = {
  name: 'sk_buff___trace',
  bytes: 112,
  members: [{ name: 'nf_trace', offset: 9, bytes: 1 }],
};

/** What events of traced packets say. */
export class TracePlan {
  private readonly ends = new Map<string, number>();
  readonly events: readonly EventRule[];

  constructor(analyses: readonly Analysis[], counters: CounterKeys) {
    const [{ table }] = analyses;
    const events = new Map<number, EventRule>();
    const add = (id: number, chain: string, kind: string, number: number): void => {
      const prefix = `TRACE: ${table}:${chain}:${kind}:${number} `;
      events.set(id, { rule: TRACE_BIT + id, prefix, level: LEVEL, flags: FLAGS });
    };
    for (const { chain: builtin, reachable } of analyses) {
      for (const one of reachable.rules) {
        const tail = isTail(one.rule) ? (one.chain === builtin ? 'policy' : 'return') : 'rule';
        add(counters.of(one), one.chain, tail, one.number);
      }
      for (const { name, rules } of reachable.chains.values()) {
        if (name === builtin) {
          add(counters.policyOf(builtin), name, 'policy', rules.length + 1);
          continue;
        }
        const known = this.ends.get(name) ?? counters.entries.length + this.ends.size;
        this.ends.set(name, known);
        add(known, name, 'return', rules.length + 1);
      }
    }
    this.events = [...events.values()].sort((a, b) => a.rule - b.rule);
  }

  /** Number of the event that a user-defined chain has come to its end. */
  endOf(chain: string): number {
    const id = this.ends.get(chain);
    if (id === undefined) throw new Error(`the end of ${chain} has no event`);
    return id;
  }
}

/** Syslog level and flags of trace_loginfo (net/ipv4/netfilter/ip_tables.c). */
const LEVEL = 4;
const FLAGS = 0x0f;

/** What get_chainname_rulenum takes for the tail of a chain: a verdict or RETURN that asks for nothing. */
function isTail({ headWords, matches, target }: Rule): boolean {
  if (headWords.length > 0 || matches.length > 0) return false;
  const { kind } = target.effect;
  return kind === 'accept' || kind === 'drop' || kind === 'return' || target.name === 'QUEUE';
}

/** Whether the packet is traced, to a u32 at r10 + `to`. r7 = the packet's `struct sk_buff`. Clobbers r1. */
export function emitTraced(code: Code, to: number): void {
  const [struct, member] = [TRACE_STRUCT.name, TRACE_STRUCT.members[0].name];
  code.emit(mov64(R1, reg(R7)), addFieldOffset(R1, struct, member), load(1, R1, R1, 0));
  code.emit(shiftField(R1, struct, member), alu64('rsh', R1, 63), store(4, R10, to, R1));
}

/** How code gets at what an event is made of. */
export interface TraceSettings {
  /** Offset in the flow of what {@link emitTraced} has found. */
  readonly at: number;
  /** Name of the function that writes events. */
  readonly log: string;
  endOf(chain: string): number;
}

/** Writes the event of a rule where the packet is traced. `flow`: register; `context` loads the context to r1. Clobbers r0–r5. */
export function emitTrace(
  code: Code,
  { at, log }: Pick<TraceSettings, 'at' | 'log'>,
  id: number | { readonly reg: number },
  { flow, context }: { readonly flow: number; readonly context: Instruction },
): void {
  const untraced = code.label('untraced');
  code.emit(load(4, R1, flow, at), jump32('jeq', R1, 0, untraced), mov32(R3, id), alu32('or', R3, TRACE_BIT | 0));
  code.emit(context, mov64(R2, reg(flow)), mov64(R4, MOST_LOGGED_BYTES), callFunction(log));
  code.place(untraced);
}
