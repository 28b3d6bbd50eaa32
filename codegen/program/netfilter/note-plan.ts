import type { BuiltinChain } from '../../../grammar/model/family.js';
import type { RejectType } from '../../../grammar/model/ruleset.js';
import type { Analysis } from '../analysis.js';
import type { ResidualRule } from '../manifest.js';
import { endCode, REJECT_TYPES } from '../verdict.js';
import type { LeftPlan } from './left.js';
import { questionName, type Question } from './notes.js';

/** What the programs of one object leave to iptables: the questions of its rules, in their order. */
export class NotePlan {
  /** Words of targets that end, by their index. */
  private readonly endings: ReadonlyMap<string, readonly string[]>;
  readonly rules: readonly ResidualRule[];
  readonly questions: readonly Question[];

  /** `nothing`: iptables is to do nothing for the programs, which only compare. */
  constructor(analyses: readonly Analysis[], nothing = false) {
    const words = analyses.flatMap(({ left }) => [...(left?.endings.values() ?? [])]);
    this.endings = new Map(words.map((one) => [one.join(' '), one]));
    const asked = nothing ? [] : analyses.flatMap((analysis) => this.chainRules(analysis));
    const questions = new Map(asked.map(({ question }) => [questionName(question), question]));
    this.questions = [...questions.values()];
    this.rules = joined(inTurn(asked).map(({ rule }) => rule));
  }

  get isEmpty(): boolean {
    return this.rules.length === 0;
  }

  /** Verdict code of a rule whose target ends. */
  codeOf(words: readonly string[]): number {
    return endCode([...this.endings.keys()].indexOf(words.join(' ')));
  }

  private chainRules(analysis: Analysis): readonly Asked[] {
    const { chain, left } = analysis;
    if (analysis.view.hook !== 'netfilter' || left === undefined) return [];
    const asked: Asked[] = [];
    const ask = (question: Question, target: readonly string[], protocol: readonly string[] = []): void => {
      const rule = { program: questionName(question), chains: [chain], target };
      asked.push({ question, rule: protocol.length === 0 ? rule : { ...rule, only: protocol } });
    };
    const bits = changedMark(analysis);
    for (let bit = 0; bit < 32; bit++) {
      if (((bits >>> bit) & 1) === 0) continue;
      ask({ kind: 'mark', bit }, ['-j', 'MARK', '--xor-mark', `0x${(2 ** bit).toString(16)}`]);
    }
    left.goingOn.forEach(({ words, segmentSize }, bit) => {
      ask({ kind: 'target', bit }, words, segmentSize ? SYN : []);
    });
    for (const type of rejectedWith(analysis)) {
      const only = type === 'tcp-reset' ? ['-p', 'tcp'] : [];
      ask({ kind: 'reject', type }, ['-j', 'REJECT', '--reject-with', type], only);
    }
    const own = new Set([...left.endings.values()].map((one) => one.join(' ')));
    [...this.endings].forEach(([text, words], index) => {
      if (own.has(text)) ask({ kind: 'end', index }, words);
    });
    if (lasting(left) !== 0) ask({ kind: 'drop' }, ['-j', 'DROP']);
    if (notesAccepted(analysis)) ask({ kind: 'accept' }, []);
    return asked;
  }
}

interface Asked {
  readonly question: Question;
  readonly rule: ResidualRule;
}

/** TCPMSS wants a rule for SYNs (tcpmss_tg4_check), which every packet is that a rule with that target matches. */
const SYN = ['-p', 'tcp', '-m', 'tcp', '--tcp-flags', 'SYN', 'SYN'];

/** What is asked last takes the note away: marks and targets that go on come before all that ends, in every chain. */
const TURN: Readonly<Record<Question['kind'], number>> = { mark: 0, target: 1, reject: 2, end: 3, drop: 4, accept: 5 };

/** The rules of all chains in one order, which keeps that of each chain. */
function inTurn(asked: readonly Asked[]): readonly Asked[] {
  const bitOf = ({ question }: Asked): number => ('bit' in question ? question.bit : 0);
  return [...asked].sort((a, b) => TURN[a.question.kind] - TURN[b.question.kind] || bitOf(a) - bitOf(b));
}

/** Rules that differ in their chain alone become one, in the place of the first. */
function joined(rules: readonly ResidualRule[]): readonly ResidualRule[] {
  const known = new Map<string, { rule: ResidualRule; chains: BuiltinChain[] }>();
  for (const rule of rules) {
    const key = [rule.program, rule.target.join(' ')].join(' ');
    const before = known.get(key);
    if (before === undefined) known.set(key, { rule, chains: [...rule.chains] });
    else before.chains.push(...rule.chains);
  }
  return [...known.values()].map(({ rule, chains }) => ({ ...rule, chains }));
}

/** Answers that the rules of a chain give; none where REJECT is to drop. */
export function rejectedWith(analysis: Analysis): readonly RejectType[] {
  if (analysis.mode === 'early' || analysis.reject === 'drop') return [];
  const types = new Set<RejectType>();
  for (const { rule } of analysis.rules) {
    const effect = rule.rule.target.effect;
    if (effect.kind === 'reject') types.add(effect.type);
  }
  return REJECT_TYPES.filter((type) => types.has(type));
}

/** Bits of the mark that some rule may change. */
export function changedMark({ rules }: Pick<Analysis, 'rules'>): number {
  let bits = 0;
  for (const { rule } of rules) {
    const effect = rule.rule.target.effect;
    if (effect.kind === 'mark') bits |= effect.clear | effect.flip;
  }
  return bits;
}

/** Bits of targets that are performed on dropped packets, too. */
export function lasting({ goingOn }: LeftPlan): number {
  return goingOn.reduce((bits, target, bit) => (target.lasting ? bits | (1 << bit) : bits), 0);
}

/** Whether iptables may have to do something for a packet that is accepted. */
export function notesAccepted(analysis: Analysis): boolean {
  return changedMark(analysis) !== 0 || (analysis.left?.goingOn.length ?? 0) > 0;
}
