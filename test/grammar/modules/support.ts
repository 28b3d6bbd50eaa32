import type { Condition, Opaque } from '../../../grammar/model/condition.js';
import type { BuiltinChain } from '../../../grammar/model/family.js';
import type { Field } from '../../../grammar/model/fields.js';
import { contains } from '../../../grammar/model/interval.js';
import type { Effect } from '../../../grammar/model/ruleset.js';
import {
  endElement,
  moduleWords,
  type Given,
  type MatchModule,
  type ModuleContext,
  type OptionSpec,
  type TargetModule,
} from '../../../grammar/modules/define.js';

/** A rule of the filter table in INPUT, IPv4, without `-p`. */
/** A module's context, and the chain of its rule. */
export type Place = ModuleContext & { readonly chain: string };

export const PLAIN: Place = { family: 'v4', table: 'filter', chain: 'INPUT' };
export const PLAIN_V6: Place = { ...PLAIN, family: 'v6' };

export function withProtocol(number: number, context = PLAIN, inverted = false): Place {
  return { ...context, protocol: { number, inverted } };
}

type AnyModule = MatchModule | TargetModule;
type Options = Record<string, Given<unknown>>;

/** What became of a module's words: the canonical ones with the options, or why they were refused. */
export type Reading =
  | { readonly ok: true; readonly words: string; readonly options: Options }
  | { readonly ok: false; readonly errors: readonly string[] };

function findOption(module: AnyModule, flag: string): [string, OptionSpec<unknown>] | undefined {
  return Object.entries(module.options).find(([, spec]) => spec.flag === flag || spec.aliases.includes(flag));
}

/** Reads words (blank-separated, or ready) behind `-m name` with the exact flags alone: no rule, no abbreviation. */
export function readWords(module: AnyModule, text: string | readonly string[], context: Place): Reading {
  const words = typeof text === 'string' ? text.split(' ').filter((word) => word !== '') : [...text];
  const options: Options = {};
  const errors: string[] = [];
  for (let i = 0; i < words.length;) {
    const inverted = words[i] === '!';
    const flag = words[inverted ? ++i : i];
    const found = findOption(module, flag);
    if (found === undefined) return { ok: false, errors: [`${flag} is unknown`] };
    const [key, spec] = found;
    const leftOut = spec.value.optional === true && /^[-!]/.test(words[i + 1] ?? '-');
    const arity = leftOut ? 0 : spec.value.arity;
    const values = words.slice(i + 1, i + 1 + arity);
    i += 1 + arity;
    if (values.length < arity) return { ok: false, errors: [`${flag} lacks a value`] };
    if (inverted && !spec.invertible) errors.push(`${flag} cannot be inverted`);
    if (key in options && !spec.repeatable && spec.ends.length === 0) errors.push(`${flag} is given twice`);
    const parsed = spec.value.parse(values, context);
    if ('error' in parsed) errors.push(parsed.error);
    else if (spec.ends.length > 0) endElement(options, key, spec.ends);
    else options[key] = { value: parsed.value, inverted: inverted || options[key]?.inverted === true };
  }
  for (const [key, spec] of Object.entries(module.options)) {
    if (spec.required && !(key in options)) errors.push(`${spec.flag} is required`);
    if (key in options && spec.excludes.some((other) => other in options)) errors.push(`${spec.flag} excludes another`);
  }
  if (errors.length === 0)
    errors.push(...(module.check?.(options, context) ?? []), ...hookErrors(module, options, context));
  if (errors.length > 0) return { ok: false, errors };
  return { ok: true, words: moduleWords(module, options, context).join(' '), options };
}

function hookErrors(module: AnyModule, options: Options, { chain }: Place): readonly string[] {
  const hook = HOOKS.find((name) => name === chain);
  const allowed = [module.hooks, module.hooksFor?.(options)].filter((hooks) => hooks !== undefined);
  return hook === undefined || allowed.every((hooks) => hooks.includes(hook))
    ? []
    : [`${module.name} is not for ${hook}`];
}

const HOOKS: readonly BuiltinChain[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/** Canonical words, or `undefined` where the words are refused. */
export function canonical(module: AnyModule, text: string | readonly string[], context: Place): string | undefined {
  const reading = readWords(module, text, context);
  return reading.ok ? reading.words : undefined;
}

export function conditionOf(module: MatchModule, text: string | readonly string[], context: Place): Condition {
  const reading = readWords(module, text, context);
  if (!reading.ok) throw new Error(reading.errors.join('; '));
  return module.condition(reading.options, context);
}

export function effectOf(module: TargetModule, text: string | readonly string[], context: Place): Effect {
  const reading = readWords(module, text, context);
  if (!reading.ok) throw new Error(reading.errors.join('; '));
  return module.effect(reading.options, context);
}

export type FieldValues = Partial<Record<Field, bigint | number>>;
export type Answer = 'yes' | 'no' | 'hotdrop';

/** Evaluates a condition on hand-made field values; a field that was not given is an error of the test. */
export function evaluate(condition: Condition, fields: FieldValues, ask?: (test: Opaque) => boolean): Answer {
  switch (condition.kind) {
    case 'in': {
      const value = fields[condition.field];
      if (value === undefined) throw new Error(`the test gives no ${condition.field}`);
      const masked = condition.mask === undefined ? BigInt(value) : BigInt(value) & condition.mask;
      return contains(condition.set, masked) ? 'yes' : 'no';
    }
    case 'not': {
      const inner = evaluate(condition.of, fields, ask);
      if (inner === 'hotdrop') throw new Error('a hotdrop stands below an inversion');
      return inner === 'yes' ? 'no' : 'yes';
    }
    case 'all':
      for (const part of condition.of) {
        const answer = evaluate(part, fields, ask);
        if (answer !== 'yes') return answer;
      }
      return 'yes';
    case 'any':
      for (const part of condition.of) {
        const answer = evaluate(part, fields, ask);
        if (answer !== 'no') return answer;
      }
      return 'no';
    case 'hotdrop':
      return evaluate(condition.when, fields, ask) === 'yes' ? 'hotdrop' : 'yes';
    case 'opaque':
      if (ask === undefined) throw new Error(`the test answers no ${condition.test.name}`);
      return ask(condition.test) ? 'yes' : 'no';
    case 'payload':
      throw new Error('these tests have no packet to walk over');
  }
}
