import type { Family } from '../../grammar/model/family.js';
import type { RuleRef } from '../../grammar/model/ruleset.js';
import { describeStep, type TraceStep } from '../evaluate/index.js';
import type { Explanation } from '../explain/index.js';

/** One step of a packet's way, or a run of rules that it passed without a match. Plain data: it crosses a worker. */
export type AnswerStep =
  | { readonly kind: 'step'; readonly text: string; readonly rule?: RuleRef }
  | {
      readonly kind: 'passed';
      readonly count: number;
      readonly from: RuleRef;
      readonly to: RuleRef;
      /** Why each of the first ones did not match. */
      readonly texts: readonly string[];
    };

/** What becomes of a packet, for a page to show. */
export type Answer =
  | { readonly kind: 'never'; readonly packet: string; readonly chain: string; readonly why: string }
  | {
      readonly kind: 'judged';
      readonly packet: string;
      readonly table: string;
      readonly chain: string;
      /** `ACCEPT`, `DROP`, `REJECT (type)`: one where it is certain. */
      readonly possible: readonly string[];
      readonly conclusion: string;
      readonly steps: readonly AnswerStep[];
      /** Rules that matched, in order, and the chains that the packet came through. */
      readonly matched: readonly RuleRef[];
      readonly chains: readonly string[];
    };

/** So many rules of a run are explained one by one. */
const EXPLAINED = 100;

export function answerOf(explanation: Explanation, family: Family): Answer {
  const { packet, table, chain } = explanation;
  if (explanation.kind === 'never') return { kind: 'never', packet, chain, why: explanation.why };
  const { evaluation, possible, conclusion } = explanation;
  const { trace, hits } = evaluation;
  const chains = new Set<string>([chain]);
  for (const step of trace) if ('rule' in step) chains.add(step.rule.chain);
  return {
    kind: 'judged',
    packet,
    table,
    chain,
    possible,
    conclusion,
    steps: foldSteps(trace, family),
    matched: hits,
    chains: [...chains],
  };
}

/** Runs of rules without a match become one step: a packet may come to thousands. */
export function foldSteps(trace: readonly TraceStep[], family: Family): readonly AnswerStep[] {
  const steps: AnswerStep[] = [];
  let run: (TraceStep & { readonly kind: 'mismatch' })[] = [];
  const close = (): void => {
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) return;
    const texts = run.slice(0, EXPLAINED).map((step) => describeStep(step, family));
    steps.push({ kind: 'passed', count: run.length, from: first.rule, to: last.rule, texts });
    run = [];
  };
  for (const step of trace) {
    if (isMismatch(step)) {
      if (run.at(-1)?.rule.chain !== step.rule.chain) close();
      run.push(step);
      continue;
    }
    close();
    steps.push({ kind: 'step', text: describeStep(step, family), ...('rule' in step ? { rule: step.rule } : {}) });
  }
  close();
  return steps;
}

const isMismatch = (step: TraceStep): step is TraceStep & { readonly kind: 'mismatch' } => step.kind === 'mismatch';
