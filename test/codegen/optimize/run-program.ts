import type { Condition, Opaque } from '../../../grammar/model/condition.js';
import { remembers } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import { contains } from '../../../grammar/model/interval.js';
import type { Program, ProgramRule } from '../../../codegen/optimize/model.js';

/** A packet for conditions: fields that it does not have are 0. */
export type Values = ReadonlyMap<Field, bigint>;

/** What became of a packet: rules that counted it, tests with memory that were asked, how it ended. */
export interface Trace {
  readonly counted: readonly number[];
  readonly asked: readonly string[];
  readonly end: string;
}

class Hotdrop extends Error {}

/** Walks a program as iptables does; tests with memory answer by their place, which stands for any memory. */
export function runProgram<R extends ProgramRule>(
  program: Program<R>,
  condition: (rule: R) => Condition,
  packet: Values,
): Trace {
  const values = new Map(packet);
  const counted: number[] = [];
  const asked: string[] = [];
  const matches = (rule: R): boolean => {
    let ordinal = 0;
    const ask = (one: Condition): boolean => {
      switch (one.kind) {
        case 'in': {
          const value = values.get(one.field) ?? 0n;
          return contains(one.set, one.mask === undefined ? value : value & one.mask);
        }
        case 'not':
          return !ask(one.of);
        case 'all':
          return one.of.every(ask);
        case 'any':
          return one.of.some(ask);
        case 'hotdrop':
          if (ask(one.when)) throw new Hotdrop();
          return true;
        case 'opaque':
          return answer(one.test, `${rule.id}.${ordinal++}`);
        case 'payload':
          throw new Error('no payload here');
      }
    };
    return ask(condition(rule));
  };
  const answer = (test: Opaque, place: string): boolean => {
    if (test.name === 'ctstate') return ((values.get('pkttype') ?? 0n) & 1n) === 1n;
    if (remembers(test)) asked.push(place);
    return ([...place].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) & 1) === 0;
  };
  const walk = (name: string): string => {
    const chain = program.chains.get(name);
    if (chain === undefined) throw new Error(`no chain ${name}`);
    for (const rule of chain.rules) {
      if (!matches(rule)) continue;
      counted.push(rule.id);
      const { effect } = rule.rule.target;
      switch (effect.kind) {
        case 'accept':
        case 'drop':
        case 'return':
          return effect.kind;
        case 'reject':
          return effect.type;
        case 'mark': {
          const mark = BigInt.asUintN(32, (values.get('mark') ?? 0n) & ~BigInt(effect.clear)) ^ BigInt(effect.flip);
          values.set('mark', mark);
          break;
        }
        case 'jump': {
          const end = walk(effect.chain);
          if (end !== 'return') return end;
          if (effect.goto) return 'return';
          break;
        }
        case 'continue':
        case 'log':
        case 'opaque':
          break;
      }
    }
    return 'return';
  };
  let end: string;
  try {
    end = walk(program.entry.name);
  } catch (error) {
    if (!(error instanceof Hotdrop)) throw error;
    end = 'hotdrop';
  }
  return { counted, asked, end };
}
