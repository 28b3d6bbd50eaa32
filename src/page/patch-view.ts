import { html, type Html } from './html.js';

/** A unified diff: removed and added lines are marked for eyes and for screen readers. */
export function patchView(patch: string): Html {
  const lines = patch
    .trimEnd()
    .split('\n')
    .filter((line) => !/^(={3,}|--- |\+\+\+ |\\)/.test(line));
  return html`<pre class="patch" tabindex="0" aria-label="Rules that were removed and added">
${lines.map(lineView)}</pre>`;
}

function lineView(line: string): Html {
  if (line.startsWith('+')) return html`<ins>${line}</ins> `;
  if (line.startsWith('-')) return html`<del>${line}</del> `;
  return html`${line} `;
}
