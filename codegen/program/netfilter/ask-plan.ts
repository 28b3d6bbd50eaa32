import type { Opaque } from '../../../grammar/model/condition.js';
import type { Analysis } from '../analysis.js';
import type { Question, Rehearsal } from '../manifest.js';
import type { ReachableRule } from '../reachable.js';
import { opaqueTests, visitCondition } from '../../../grammar/model/condition-parts.js';
import { askedWords, type View } from '../view.js';
import { askName, estimatorNames, reachName } from './ask.js';
import { placeName } from './places.js';

type Place = Pick<ReachableRule, 'chain' | 'number'>;

/** The questions that the programs of one object have asked in front of them; their bits are their places. */
export class AskPlan {
  readonly questions: readonly Question[];
  readonly rehearsals: readonly Rehearsal[];
  /** Words of targets that define the estimators of the questions. */
  readonly estimators: readonly (readonly string[])[];
  private readonly bits = new Map<string, number>();
  /** Bits of tests that are asked where they stand, by {@link placeName}. */
  private readonly places = new Map<string, number>();

  constructor(analyses: readonly Analysis[]) {
    const found = new Map<string, { words: readonly string[]; chains: Analysis['chain'][] }>();
    for (const { view, asking, chain } of analyses) {
      for (const words of asking.flatMap(({ meaning }) => asked(meaning.condition, view))) {
        const known = found.get(words.join(' ')) ?? { words, chains: [] };
        if (!known.chains.includes(chain)) known.chains.push(chain);
        found.set(words.join(' '), known);
      }
    }
    const plain = [...found].map(([text, { words, chains }], bit): Question => {
      this.bits.set(text, bit);
      return { program: askName(bit), chains, words };
    });
    this.questions = [...plain, ...this.placed(analyses, plain.length)];
    const names = new Set(plain.flatMap(({ words }) => (words[1] === 'rateest' ? estimatorNames(words) : [])));
    const known = analyses.find(({ view }) => view.asking !== undefined)?.view.asking?.estimators;
    this.estimators = [...names].map((name) => known?.get(name) ?? []);
    this.rehearsals = analyses.flatMap(({ chain, places }): Rehearsal[] => {
      if (places === undefined) return [];
      const bits = places.tests.map(({ rule, ordinal }) => this.placeOf(rule, ordinal) ?? -1);
      return [{ program: rehearsalName(chain), chain, places: bits }];
    });
  }

  /** The questions about tests where they stand, from this bit on. */
  private placed(analyses: readonly Analysis[], first: number): readonly Question[] {
    const found = new Map<string, { words: readonly string[]; chains: Analysis['chain'][] }>();
    for (const { chain, places } of analyses) {
      for (const { rule, ordinal, words } of places?.tests ?? []) {
        const name = placeName(rule, ordinal);
        const known = found.get(name) ?? { words, chains: [] };
        if (!known.chains.includes(chain)) known.chains.push(chain);
        found.set(name, known);
      }
    }
    return [...found].map(([name, { words, chains }], index): Question => {
      const bit = first + index;
      this.places.set(name, bit);
      return { program: askName(bit), chains, words, reach: reachName(bit) };
    });
  }

  /** Bit of the answer to a test; undefined where the view answers it. */
  bitOf(test: Opaque, view: View): number | undefined {
    const words = askedWords(test, view);
    return words === undefined ? undefined : this.bits.get(words.join(' '));
  }

  /** Bit of the answer to a test that is asked where it stands; undefined for any other. */
  placeOf(rule: Place, ordinal: number): number | undefined {
    return this.places.get(placeName(rule, ordinal));
  }

  /** A rule with a test that iptables is asked for one chain, but would not be for another one from which packets come to it. */
  divided(analyses: readonly Analysis[]): ReachableRule | undefined {
    for (const { asking, places } of analyses) {
      const own = new Set(places?.tests.map(({ rule, ordinal }) => placeName(rule, ordinal)));
      for (const { rule, meaning } of asking) {
        const names = opaqueTests(meaning.condition).map((_, ordinal) => placeName(rule, ordinal));
        if (names.some((name) => this.places.has(name) && !own.has(name))) return rule;
      }
    }
    return undefined;
  }
}

/** Name of the socket filter that goes through a chain in front of its program. */
export function rehearsalName(chain: Analysis['chain']): string {
  return `ipt2bpf_rehearse_${chain.toLowerCase()}`;
}

function asked(condition: Parameters<typeof visitCondition>[0], view: View): readonly (readonly string[])[] {
  const found: (readonly string[])[] = [];
  visitCondition(condition, {
    opaque: (test) => {
      const words = askedWords(test, view);
      if (words !== undefined) found.push(words);
    },
  });
  return found;
}
