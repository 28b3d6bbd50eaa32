import type { Opaque } from '../../../grammar/model/condition.js';
import type { Analysis } from '../analysis.js';
import type { Question } from '../manifest.js';
import { visitCondition } from '../../../grammar/model/condition-parts.js';
import { askedWords, type View } from '../view.js';
import { askName } from './ask.js';

/** The questions that the programs of one object have asked in front of them; their bits are their places. */
export class AskPlan {
  readonly questions: readonly Question[];
  private readonly bits = new Map<string, number>();

  constructor(analyses: readonly Analysis[]) {
    const found = new Map<string, { words: readonly string[]; chains: Analysis['chain'][] }>();
    for (const { view, rules, chain } of analyses) {
      for (const words of rules.flatMap(({ meaning }) => asked(meaning.condition, view))) {
        const known = found.get(words.join(' ')) ?? { words, chains: [] };
        if (!known.chains.includes(chain)) known.chains.push(chain);
        found.set(words.join(' '), known);
      }
    }
    this.questions = [...found].map(([text, { words, chains }], bit): Question => {
      this.bits.set(text, bit);
      return { program: askName(bit), chains, words };
    });
  }

  /** Bit of the answer to a test; undefined where the view answers it. */
  bitOf(test: Opaque, view: View): number | undefined {
    const words = askedWords(test, view);
    return words === undefined ? undefined : this.bits.get(words.join(' '));
  }
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
