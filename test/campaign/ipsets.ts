import type { Family } from '../../grammar/index.js';

/** Set types by the number of packet parts that a rule asks a set for. */
const TYPES = ['hash:net', 'hash:ip,port', 'hash:ip,port,ip'];

/** Options behind which the name of a set and its packet parts stand. */
const USE = /--(?:match|add|del|map)-set[ \t]+(?:"([^"]+)"|(\S+))[ \t]+"?([a-z,]+)/g;

/** Names that ipset takes as words of a command; a set of another name stays absent. */
const NAME = /^[\w.:][\w.:-]{0,30}$/;

/** Commands for `ipset restore` that make the sets which the rules of a dump name, of a type that fits their use. */
export function ipsetText(text: string, family: Family): string {
  const sets = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    for (const [, quoted, plain, parts] of line.matchAll(USE)) {
      const name = quoted ?? plain;
      if (!NAME.test(name)) continue;
      sets.set(name, Math.max(sets.get(name) ?? 0, Math.min(parts.split(',').length, TYPES.length)));
    }
  }
  const inet = family === 'v4' ? 'inet' : 'inet6';
  return [...sets].map(([name, parts]) => `create ${name} ${TYPES[parts - 1]} family ${inet}\n`).join('');
}
