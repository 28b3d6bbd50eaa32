import type { Ruleset } from '../../grammar/model/ruleset.js';
import type { LintResult } from '../lint/model.js';
import type { ObjectFigures } from '../report/object-figures.js';
import type { ChainStatus } from '../report/translation.js';
import { VERSION } from '../version.js';
import { chainGraph, longestWalks } from './chain-graph.js';
import { changesSection, type Changes } from './changes-section.js';
import { chainsSection } from './chains-section.js';
import { explorerSection } from './explorer-section.js';
import type { Heat } from './heat.js';
import { html, jsonScript, raw, type Html } from './html.js';
import { lintSection } from './lint-section.js';
import { objectsSection } from './objects-section.js';
import type { DumpText } from './protocol.js';
import { STYLE } from './style.js';
import { translationSection } from './translation-section.js';

export interface PageInput {
  readonly ruleset: Ruleset;
  readonly dump: DumpText;
  readonly status: readonly ChainStatus[];
  readonly heat?: Heat;
  /** Rules that no packet needs. */
  readonly lint?: LintResult;
  readonly objects?: readonly ObjectFigures[];
  readonly changes?: Changes;
  readonly scripts: PageScripts;
}

/** The bundles of src/page/browser. */
export interface PageScripts {
  readonly page: string;
  readonly engine: string;
}

/** The whole report: one document without any request. The same input makes the same text. */
export function reportPage(input: PageInput): string {
  const { ruleset, dump, status, heat, changes, lint, objects } = input;
  const title = `${dump.file}: ipt2bpf report`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="ipt2bpf ${VERSION}" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <title>${title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <a class="skip" href="#explorer">To the explorer</a>
        <header>
          <h1>${dump.file}</h1>
          <p class="soft">${ruleset.family === 'v4' ? 'IPv4' : 'IPv6'} rules, read by ipt2bpf ${VERSION}</p>
          ${figures(input)}
          <nav aria-label="Parts of the report">
            <ul>
              <li><a href="#explorer">Explorer</a></li>
              <li><a href="#translation">Translation</a></li>
              ${objects !== undefined && html`<li><a href="#objects">Decision structures</a></li>`}
              ${changes !== undefined && html`<li><a href="#changes">Changes</a></li>`}
              ${lint !== undefined && html`<li><a href="#lint">Rules that no packet needs</a></li>`}
              <li><a href="#chains">Chains and rules</a></li>
            </ul>
          </nav>
        </header>
        <main>
          <section class="explorer" aria-labelledby="explorer">
            <h2 id="explorer">Explorer</h2>
            ${explorerSection(ruleset, dump.text)}
          </section>
          ${explorerScripts(input)}
          <section aria-labelledby="translation">
            <h2 id="translation">Translation</h2>
            <div id="translation-part">${translationSection(status)}</div>
          </section>
          ${
            objects !== undefined &&
            html`<section aria-labelledby="objects">
              <h2 id="objects">Decision structures</h2>
              ${objectsSection(objects)}
            </section>`
          }
          ${changes !== undefined && changesSection(changes, dump.file)}
          ${
            lint !== undefined &&
            html`<section aria-labelledby="lint">
              <h2 id="lint">Rules that no packet needs</h2>
              ${lintSection(lint)}
            </section>`
          }
          <section aria-labelledby="chains">
            <h2 id="chains">Chains and rules</h2>
            <div id="chains-part">${chainsSection(ruleset, { heat, status, lint: lint?.findings })}</div>
          </section>
        </main>
      </body>
    </html> `.html;
}

/** Stands above the long parts of the page: the engine reads the rules while the browser is still busy with those. */
function explorerScripts({ dump, scripts }: PageInput): Html {
  return html`${jsonScript('report-dump', dump)}
    <script type="text/plain" id="engine">
      ${script(scripts.engine)}
    </script>
    <script>
      ${script(scripts.page)};
    </script>`;
}

/** A bundle inside a script element: the end of the element must not stand in it. */
function script(text: string): Html {
  return raw(text.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--'));
}

function figures({ ruleset }: PageInput): Html {
  const tables = ruleset.tables.map((table) => ({ table, graph: chainGraph(table) }));
  const chains = ruleset.tables.flatMap((table) => table.chains);
  const rules = chains.reduce((sum, chain) => sum + chain.rules.length, 0);
  const depth = Math.max(0, ...tables.flatMap(({ graph }) => [...graph.values()].map((node) => node.depth ?? 0)));
  const walk = Math.max(
    0,
    ...tables.flatMap(({ table, graph }) => {
      const walks = longestWalks(graph);
      return table.chains.filter(({ policy }) => policy !== undefined).map(({ name }) => walks.get(name) ?? 0);
    }),
  );
  const facts: readonly (readonly [string, string])[] = [
    ['tables', String(ruleset.tables.length)],
    ['chains', String(chains.length)],
    ['rules', String(rules)],
    ['jumps deep', String(depth)],
    ['rules a packet may come to', walk < 1e9 ? String(walk) : 'more than 1,000,000,000'],
  ];
  return html`<dl class="figures">
    ${facts.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}
