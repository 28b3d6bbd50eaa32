import { parseDump } from '../../../grammar/index.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Ruleset, RuleRef } from '../../../grammar/model/ruleset.js';
import type { Decision, Evaluation } from '../../../src/evaluate/index.js';
import { parsePacketText, type PacketText } from '../../../src/packet/index.js';

/** A filter table of these lines, policies first; other chains are declared where `:NAME` stands. */
export function filterTable(family: Family, rules: readonly string[], policy = 'ACCEPT'): Ruleset {
  const builtin = ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ${policy} [0:0]`);
  const declared = rules.filter((rule) => rule.startsWith(':')).map((rule) => `${rule} - [0:0]`);
  const lines = rules.filter((rule) => !rule.startsWith(':'));
  return rulesetOf(family, ['*filter', ...builtin, ...declared, ...lines, 'COMMIT']);
}

export function rulesetOf(family: Family, lines: readonly string[]): Ruleset {
  const { ruleset, diagnostics } = parseDump(`${lines.join('\n')}\n`, { family });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  return ruleset;
}

export function packetOf(text: string): PacketText {
  const result = parsePacketText(text);
  if (!result.ok) throw new Error(result.diagnostics.map(({ column, message }) => `${column}: ${message}`).join('\n'));
  return result.text;
}

const refText = ({ chain, number }: RuleRef): string => `${chain} ${number}`;

function decisionText(decision: Decision): string {
  switch (decision.by) {
    case 'policy':
      return `policy ${decision.chain}`;
    case 'rule':
      return refText(decision.rule);
    case 'hotdrop':
      return `hotdrop ${refText(decision.rule)}`;
  }
}

/** `verdict by what; hits`, short enough for tables of tests. */
export function short(evaluation: Evaluation): string {
  const hits = evaluation.hits.map(refText).join(', ');
  if (evaluation.kind === 'unknown') {
    const { unknown } = evaluation;
    if (unknown.kind === 'too-long') return `too long at ${refText(unknown.rule)}`;
    const what = unknown.kind === 'test' ? unknown.test.name : unknown.target;
    return `unknown ${what} at ${refText(unknown.rule)}; ${hits}`;
  }
  const verdict = typeof evaluation.verdict === 'string' ? evaluation.verdict : evaluation.verdict.reject;
  return `${verdict} by ${decisionText(evaluation.decision)}; ${hits}`;
}
