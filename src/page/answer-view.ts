import type { Answer, AnswerStep } from './answer.js';
import { html, type Html } from './html.js';
import { ruleId } from './places.js';

/** The verdict in a word, with its colour's name. */
export function verdictView(possible: readonly string[]): Html {
  return html`<strong class="verdict ${toneOf(possible)}">${possible.join(' or ')}</strong>`;
}

export function toneOf(possible: readonly string[]): 'good' | 'bad' | 'half' {
  if (possible.length !== 1) return 'half';
  return possible[0] === 'ACCEPT' ? 'good' : 'bad';
}

/** A packet's way: the verdict first, then each step. `before`: what the report's own rules say, where others are tried. */
export function answerView(answer: Answer, before?: Answer): Html {
  if (answer.kind === 'never') {
    return html`<p class="packet"><code>${answer.packet}</code></p>
      <p>never reaches chain ${answer.chain}: ${answer.why}</p>`;
  }
  const { table, chain, possible, conclusion, steps } = answer;
  return html`<p class="packet"><code>${answer.packet}</code></p>
    <p>${verdictView(possible)} in table ${table}, chain ${chain}</p>
    ${before !== undefined && comparison(answer, before)}
    <p class="conclusion">${conclusion.split('\n').map((line) => html`<span>${line}</span>`)}</p>
    <h4>Its way</h4>
    <ol class="steps">
      ${steps.map((step) => html`<li>${stepView(table, step)}</li>`)}
    </ol>`;
}

function comparison(answer: Answer & { readonly kind: 'judged' }, before: Answer): Html {
  const then = before.kind === 'judged' ? before.possible.join(' or ') : `no judgement (${before.why})`;
  const same = before.kind === 'judged' && before.conclusion === answer.conclusion;
  if (same) return html`<p class="soft">The same as with the rules of the report.</p>`;
  const changed = then === answer.possible.join(' or ') ? 'The same verdict by another way' : 'Changed';
  return html`<p class="changed">${changed}: the rules of the report say ${then}.</p>`;
}

function stepView(table: string, step: AnswerStep): Html {
  if (step.kind === 'step') {
    if (step.rule === undefined) return html`${step.text}`;
    return html`<a class="matched" href="#${ruleId(table, step.rule)}">${step.text}</a>`;
  }
  const { count, from, to, texts } = step;
  if (count === 1) return html`<span class="soft">${texts[0]}</span>`;
  const rest = count - texts.length;
  return html`<details>
    <summary class="soft">${from.chain} ${from.number} to ${to.number}: ${count} rules, none matches</summary>
    <ul>
      ${texts.map((text) => html`<li>${text}</li>`)} ${rest > 0 && html`<li>… and ${rest} more</li>`}
    </ul>
  </details>`;
}
