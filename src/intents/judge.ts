import { all, not, type Condition } from '../../grammar/model/condition.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { Question, type AnswerPacket, type Part } from '../query/question.js';
import type { ChainPlace } from '../space/place.js';
import type { Deciding } from '../space/deciding.js';
import { boxText } from '../space/describe.js';
import { FALSE, type Node } from '../space/diagram.js';
import { TooWideError } from '../space/explore.js';
import { isCertainly, isPossibly, type Intent } from './intent.js';

/** Packets that do not do what is expected, decided by one rule. */
export interface Violation {
  readonly deciding: Deciding;
  readonly rectangles: readonly string[];
  readonly more: boolean;
  readonly example?: AnswerPacket;
}

export type Judgement =
  /** It holds for all packets. `note` says why that may be less than it seems. */
  | { readonly kind: 'proved'; readonly note?: string }
  /** A packet that the reference judges otherwise. */
  | { readonly kind: 'refuted'; readonly violations: readonly Violation[]; readonly note?: string }
  | { readonly kind: 'undecided'; readonly reason: string };

export interface JudgedIntent {
  readonly intent: Intent;
  readonly place: ChainPlace;
  readonly judgement: Judgement;
}

/**
 * Judges intents over all packets, with all states and all outcomes of tests with memory.
 *
 * @throws BrokenTableError
 */
export function judgeIntents(
  ruleset: Ruleset,
  intents: readonly Intent[],
  placeOf: (intent: Intent) => ChainPlace,
): readonly JudgedIntent[] {
  const questions = new Map<string, Question>();
  const places = intents.map((intent) => ({ intent, place: placeOf(intent) }));
  return places.map(({ intent, place }) => {
    const key = `${place.table} ${place.chain}`;
    let question = questions.get(key);
    if (question === undefined) {
      const same = places.filter(({ place: one }) => one.table === place.table && one.chain === place.chain);
      question = new Question(
        ruleset,
        place,
        same.flatMap(({ intent: one }) => conditionsOf(one)),
      );
      questions.set(key, question);
    }
    return { intent, place, judgement: judgeIntent(question, intent) };
  });
}

function conditionsOf({ packets, bound }: Intent): readonly Condition[] {
  return bound === undefined ? [packets] : [packets, bound.packets];
}

function judgeIntent(question: Question, intent: Intent): Judgement {
  const { packets, bound, expect } = intent;
  const claimed = question.packets(bound === undefined ? packets : all(packets, not(bound.packets)));
  if (claimed === FALSE) return { kind: 'undecided', reason: 'no packet that comes to the chain is like that' };
  const fails = (verdict: string): boolean =>
    bound?.kind === 'only' ? isPossibly(verdict, expect) : !isCertainly(verdict, expect);
  try {
    const wrong = question.parts(claimed).filter(({ deciding }) => fails(deciding.verdict));
    if (wrong.length > 0) return refuted(question, claimed, wrong);
    const none = bound?.kind === 'only' && !someMeet(question, intent);
    return { kind: 'proved', ...(none ? { note: `no packet at all meets "${expect}", with or without "only"` } : {}) };
  } catch (error) {
    if (error instanceof TooWideError) return { kind: 'undecided', reason: error.message };
    throw error;
  }
}

function someMeet(question: Question, { packets, expect }: Intent): boolean {
  return question.parts(question.packets(packets)).some(({ deciding }) => isPossibly(deciding.verdict, expect));
}

/** Rules, and rectangles of each, that are told of a violation. */
const MOST_RULES = 5;
const RECTANGLES = 3;

function refuted(question: Question, claimed: Node, wrong: readonly Part[]): Judgement {
  const violations = wrong.slice(0, MOST_RULES).map((part): Violation => {
    const { rectangles, more, example } = question.details(part, claimed, RECTANGLES);
    const told = rectangles.map((sides) => (sides.length === 0 ? 'all of them' : boxText(sides)));
    return { deciding: part.deciding, rectangles: told, more, ...(example === undefined ? {} : { example }) };
  });
  const confirmed = violations.filter(({ example }) => example?.confirmed === true);
  if (confirmed.length === 0) {
    const [{ deciding }] = violations;
    return { kind: 'undecided', reason: `packets may be judged "${deciding.verdict}", but none was found that is` };
  }
  const note = stateNote(confirmed);
  return { kind: 'refuted', violations, ...(note === undefined ? {} : { note }) };
}

/** An intent that leaves the state open speaks of replies, too: the usual surprise. */
function stateNote(violations: readonly Violation[]): string | undefined {
  const states = violations.map(({ example }) => example?.inputs.find(({ field }) => field === 'state')?.values[0]);
  if (!states.every((state) => state !== undefined && state !== 'NEW')) return undefined;
  return `this holds for packets of state ${states[0]}; to speak of new connections alone, add "state new"`;
}
