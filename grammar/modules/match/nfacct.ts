import { defineVerbatimMatch, option, type ModuleContext, type Parsed, type ValueType } from '../define.js';
import { text } from '../value/text.js';

const anyName = text({ placeholder: 'name', min: 1, cut: 31 });

const name: ValueType<string> = {
  ...anyName,
  parse: (words, context) =>
    words[0].includes('\n')
      ? { error: `"${words[0]}" has a line break` }
      : known(anyName.parse(words, context), context),
};

function known(parsed: Parsed<string>, { accounts }: ModuleContext): Parsed<string> {
  if ('error' in parsed || accounts?.has(parsed.value) !== false) return parsed;
  return { error: `there is no accounting object "${parsed.value}"` };
}

/** Counts the packet in a named object; matches always (net/netfilter/xt_nfacct.c). */
export const nfacct = defineVerbatimMatch({
  name: 'nfacct',
  families: ['v4', 'v6'],
  doc: 'count the packet in an accounting object',
  options: { name: option('--nfacct-name', name, { required: true, doc: 'the accounting object' }) },
});
