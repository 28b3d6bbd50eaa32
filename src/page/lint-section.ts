import type { LintFinding, LintGap, LintResult, LintRule } from '../lint/model.js';
import { html, type Html } from './html.js';
import { chainId, ruleId } from './places.js';

/** Rules that no packet needs, each with what takes its packets, and an example. */
export function lintSection({ findings, gaps }: LintResult): Html {
  return html`${findings.length === 0 && gaps.length === 0 && html`<p>Every rule decides about some packet.</p>`}
  ${
    findings.length > 0 &&
    html`<ul class="findings">
      ${findings.map(findingItem)}
    </ul>`
  }
  ${gaps.map(gapLine)}`;
}

function findingItem(finding: LintFinding): Html {
  const { table, chain, rule, code, text, message, by, example } = finding;
  const id = rule === undefined ? chainId(table, chain) : ruleId(table, { chain, number: rule });
  return html`<li>
    <a href="#${id}">${chain} ${rule}</a> <span class="badge">${code}</span> <code>${text}</code>
    <div>${message}${by.length > 0 && html`: ${by.map((one) => html` ${ruleOf(table, one)}`)}`}</div>
    ${
      example !== undefined &&
      html`<div class="soft">
        Example: <code>${[example.packet, ...example.assumed].join(', ')}</code> meets ${example.verdict.toUpperCase()}
        by ${ruleOf(table, example.decidedBy)}
      </div>`
    }
  </li>`;
}

function ruleOf(table: string, { chain, number, text }: LintRule): Html {
  if (number === undefined) return html`${text}`;
  return html`<a href="#${ruleId(table, { chain, number })}" title="${text}">${chain} ${number}</a>`;
}

function gapLine({ table, chain, reason }: LintGap): Html {
  return html`<p class="soft">Table ${table}, chain ${chain}, is not known whole: ${reason}.</p>`;
}
