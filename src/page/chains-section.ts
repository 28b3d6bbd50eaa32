import { isBuiltin, type Rule, type RuleRef, type Ruleset, type Table } from '../../grammar/model/ruleset.js';
import type { LintFinding } from '../lint/model.js';
import type { ChainStatus } from '../report/translation.js';
import { chainGraph, type ChainNode } from './chain-graph.js';
import { drawGraph } from './graph-drawing.js';
import { warmth, type Heat } from './heat.js';
import { escapeHtml, html, raw, type Html } from './html.js';
import { chainId, ruleId, translationId } from './places.js';

/** What is known of single rules beside their text. */
export interface RuleNotes {
  readonly heat?: Heat | undefined;
  readonly status: readonly ChainStatus[];
  /** Rules that no packet needs. */
  readonly lint?: readonly LintFinding[] | undefined;
}

/** Badges of rules by their ids, as HTML. */
type Badges = ReadonlyMap<string, string>;

/** All tables: the graph of their chains, and each chain with its rules. */
export function chainsSection(ruleset: Ruleset, notes: RuleNotes): Html {
  const badges = badgesOf(notes);
  return html`${ruleset.tables.map((table) => tableSection(table, notes.heat, badges))}`;
}

function badgesOf({ status, lint = [] }: RuleNotes): Badges {
  const badges = new Map<string, string>();
  for (const [id, where] of deferredRules(status)) badges.set(id, ` ${badge(where)}`);
  for (const { table, chain, rule, code, message } of lint) {
    if (rule === undefined) continue;
    const id = ruleId(table, { chain, number: rule });
    const dead = ` <span class="badge" title="${escapeHtml(message)}">${code}</span>`;
    badges.set(id, (badges.get(id) ?? '') + dead);
  }
  return badges;
}

/** Hooks and chains that do not decide a rule exactly, by the rule's id. */
function deferredRules(status: readonly ChainStatus[]): ReadonlyMap<string, readonly ChainStatus[]> {
  const found = new Map<string, ChainStatus[]>();
  for (const one of status) {
    for (const rule of one.rules) {
      if (rule.status === 'exact') continue;
      const id = ruleId(one.table, rule);
      found.set(id, [...(found.get(id) ?? []), one]);
    }
  }
  return found;
}

function tableSection(table: Table, heat: Heat | undefined, badges: Badges): Html {
  const graph = chainGraph(table);
  return html`<section aria-labelledby="table.${table.name}">
    <h3 id="table.${table.name}">Table ${table.name}</h3>
    ${drawGraph(table.name, graph)}
    ${table.chains.map((chain) => chainArticle(table, graph.get(chain.name), heat, badges))}
  </section>`;
}

function chainArticle(
  table: Table,
  node: ChainNode | undefined,
  heat: Heat | undefined,
  badges: Badges,
): Html | undefined {
  if (node === undefined) return undefined;
  const { chain } = node;
  const id = chainId(table.name, chain.name);
  const policy = chain.policy === undefined ? '' : ` (policy ${chain.policy})`;
  return html`<article class="chain" id="${id}" tabindex="-1">
    <h4>${chain.name}<span class="soft">${policy}</span></h4>
    ${callers(table, node)}
    ${chain.rules.length === 0 ? html`<p class="soft">No rule.</p>` : rulesTable(table, node, heat, badges)}
  </article>`;
}

/** So many callers are named; a chain may have thousands. */
const CALLERS = 12;

function callers(table: Table, { chain, callers: refs, depth }: ChainNode): Html | undefined {
  if (isBuiltin(chain)) return undefined;
  if (refs.length === 0) return html`<p class="soft">No rule leads here.</p>`;
  const links = refs.slice(0, CALLERS).map((ref) => html` ${ruleLink(table.name, ref)}`);
  const rest = refs.length > CALLERS ? ` and ${refs.length - CALLERS} more` : '';
  const never = depth === undefined ? ' – which no packet reaches' : '';
  return html`<p class="soft">From${links}${rest}${never}</p>`;
}

export function ruleLink(table: string, ref: RuleRef): Html {
  return html`<a href="#${ruleId(table, ref)}">${ref.chain} ${ref.number}</a>`;
}

function rulesTable(table: Table, { chain }: ChainNode, heat: Heat | undefined, badges: Badges): Html {
  const counted = heat === undefined ? '' : '<th scope="col" class="number">packets</th>';
  const rows = chain.rules.map((rule, at) =>
    row(table.name, { chain: chain.name, number: at + 1 }, rule, heat, badges),
  );
  return raw(
    `<table class="rules"><thead><tr><th scope="col" class="number">rule</th>${counted}<th scope="col">text</th></tr></thead><tbody>${rows.join('')}</tbody></table>`,
  );
}

/** Rows are many: text is put together without templates. */
function row(table: string, ref: RuleRef, rule: Rule, heat: Heat | undefined, badges: Badges): string {
  const id = ruleId(table, ref);
  return `<tr id="${id}" tabindex="-1"><td class="number">${ref.number}</td>${heatCell(table, ref, heat)}<td><code>${text(table, rule)}</code>${badges.get(id) ?? ''}</td></tr>`;
}

function heatCell(table: string, ref: RuleRef, heat: Heat | undefined): string {
  if (heat === undefined) return '';
  const counters = heat.counters(table, ref);
  if (counters === undefined) return '<td class="number"></td>';
  const width = (100 * warmth(counters, heat.most)).toFixed(0);
  return `<td class="number heat" style="--heat-width:${width}%" title="${counters.bytes} bytes">${counters.packets}</td>`;
}

/** The rule as written, its jump a link. */
function text(table: string, rule: Rule): string {
  const plain = escapeHtml(rule.source);
  const { effect } = rule.target;
  if (effect.kind !== 'jump') return plain;
  const name = escapeHtml(effect.chain);
  const at = Math.max(...['-j ', '-g ', '--jump ', '--goto '].map((flag) => plain.lastIndexOf(flag + name)));
  const from = at < 0 ? -1 : plain.indexOf(name, at);
  if (from < 0) return plain;
  const link = `<a href="#${chainId(table, effect.chain)}">${name}</a>`;
  return plain.slice(0, from) + link + plain.slice(from + name.length);
}

function badge(where: readonly ChainStatus[]): string {
  const [first] = where;
  const hooks = [...new Set(where.map(({ hook }) => hook))];
  const word = first.mode === 'early' ? 'deferred' : 'not exact';
  return `<a class="badge" href="#${translationId(first.hook, first.chain)}">${word} at ${hooks.join(', ')}</a>`;
}
