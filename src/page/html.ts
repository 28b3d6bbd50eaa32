/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

/** What may stand in a template: text is escaped, HTML is not, lists are joined, nothing is nothing. */
export type Content = Html | string | number | bigint | undefined | false | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

function textOf(content: Content): string {
  if (content === undefined || content === false) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number' || typeof content === 'bigint') return String(content);
  return 'html' in content ? content.html : content.map(textOf).join('');
}

/** A template whose values are escaped. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return { html: parts.map((part, at) => (at === 0 ? part : textOf(values[at - 1]) + part)).join('') };
}

/** Marks text as HTML that is sound already. */
export function raw(text: string): Html {
  return { html: text };
}

/**
 * Data for a `<script type="application/json">`: `<` cannot begin a tag in it, and the line separators that JavaScript
 * once refused are escaped.
 */
export function jsonScript(id: string, value: unknown): Html {
  const json = JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  return raw(`<script type="application/json" id="${escapeHtml(id)}">${json}</script>`);
}
