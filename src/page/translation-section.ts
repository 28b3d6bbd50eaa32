import { assumptionsOf, unsaid, type ChainStatus, type RuleStatus } from '../report/translation.js';
import { ruleLink } from './chains-section.js';
import { html, type Html } from './html.js';
import { translationId } from './places.js';

/** What each hook makes of each chain, and the reasons where it is not exact. */
export function translationSection(status: readonly ChainStatus[]): Html {
  if (status.length === 0) return html`<p>No chain that a hook could take.</p>`;
  return html`${summary(status)} ${status.map(details)}`;
}

function summary(status: readonly ChainStatus[]): Html {
  const hooks = [...new Set(status.map(({ hook }) => hook))];
  const places = [...new Map(status.map((one) => [`${one.table} ${one.chain}`, one])).values()];
  const cell = (hook: string, { table, chain }: ChainStatus): Html => {
    const one = status.find((other) => other.hook === hook && other.chain === chain && other.table === table);
    if (one === undefined) return html`<td class="soft">–</td>`;
    const { word, kind } = verdictOf(one);
    return html`<td class="${kind}"><a href="#${translationId(hook, chain)}">${word}</a></td>`;
  };
  return html`<table class="status">
    <thead>
      <tr>
        <th scope="col">chain</th>
        ${hooks.map((hook) => html`<th scope="col">${hook}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${places.map(
        (place) =>
          html`<tr>
            <th scope="row">${place.table} ${place.chain}</th>
            ${hooks.map((hook) => cell(hook, place))}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function verdictOf({ hook, exact, rules }: ChainStatus): { readonly word: string; readonly kind: string } {
  if (exact) return { word: 'exact', kind: 'good' };
  const deferred = rules.filter(({ status }) => status === 'deferred').length;
  if (hook === 'netfilter') return { word: `refused: ${deferred} of ${rules.length} rules`, kind: 'bad' };
  return { word: `early only: ${deferred} of ${rules.length} rules`, kind: 'half' };
}

function details(one: ChainStatus): Html {
  const reasons = byReason(one.rules);
  const notes = [...assumptionsOf(one), ...unsaid(one).map(({ message }) => message)];
  return html`<section class="place" id="${translationId(one.hook, one.chain)}" tabindex="-1">
    <h3>${one.hook}, ${one.table} ${one.chain}: ${verdictOf(one).word}</h3>
    ${
      reasons.size > 0 &&
      html`<dl>
        ${[...reasons].map(
          ([reason, rules]) =>
            html`<dt>${reason}</dt>
              <dd>${ruleList(one.table, rules)}</dd>`,
        )}
      </dl>`
    }
    ${
      notes.length > 0 &&
      html`<p>It takes for granted:</p>
        <ul>
          ${notes.map((note) => html`<li>${note}</li>`)}
        </ul>`
    }
    ${reasons.size === 0 && notes.length === 0 && html`<p class="soft">Nothing to add.</p>`}
  </section>`;
}

function byReason(rules: readonly RuleStatus[]): ReadonlyMap<string, readonly RuleStatus[]> {
  const found = new Map<string, RuleStatus[]>();
  for (const rule of rules) {
    for (const reason of rule.reasons) {
      const before = found.get(reason);
      if (before === undefined) found.set(reason, [rule]);
      else before.push(rule);
    }
  }
  return found;
}

/** So many rules are named; the others are in the table of their chain. */
const NAMED = 60;

function ruleList(table: string, rules: readonly RuleStatus[]): Html {
  const links = rules.slice(0, NAMED).map((rule, at) => html`${at > 0 && ', '}${ruleLink(table, rule)}`);
  return html`${links}${rules.length > NAMED && ` and ${rules.length - NAMED} more`}`;
}
