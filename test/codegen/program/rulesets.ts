import { analyse, compile, type Manifest } from '../../../codegen/program/index.js';
import type { Analysis, ChainOptions } from '../../../codegen/program/analysis.js';
import { parseDump } from '../../../grammar/index.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';

export interface FilterText {
  /** Policy of the chains INPUT, FORWARD and OUTPUT alike. Default ACCEPT. */
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly userChains?: readonly string[];
  readonly rules?: readonly string[];
}

/** Text of a dump with table filter. */
export function filterText({ policy = 'ACCEPT', userChains = [], rules = [] }: FilterText): string {
  const chains = [
    ...['INPUT', 'FORWARD', 'OUTPUT'].map((name) => `:${name} ${policy} [0:0]`),
    ...userChains.map((name) => `:${name} - [0:0]`),
  ];
  return ['*filter', ...chains, ...rules, 'COMMIT', ''].join('\n');
}

/** The ruleset of a dump without errors. */
export function rulesetOf(text: string, family: Family = 'v4'): Ruleset {
  const { ruleset, diagnostics } = parseDump(text, { family });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  return ruleset;
}

export interface Place extends ChainOptions {
  readonly family?: Family;
}

export function analysisOf(text: string, place: Place): Analysis {
  const result = analyse(rulesetOf(text, place.family), place);
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  return result.analysis;
}

/** The object of a dump that can be compiled, with its manifest. */
export function objectOf(text: string, place: Place): { readonly object: Uint8Array; readonly manifest: Manifest } {
  const result = compile(rulesetOf(text, place.family), { source: text, ...place });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  return result;
}
