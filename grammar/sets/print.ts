import type { IpSet, IpSetMember } from '../model/ip-set.js';
import { printElement } from './element.js';

/** Lines that `ipset restore` takes, as `ipset save` prints them: first what the sets are, then their elements. */
export function printSets(sets: Iterable<IpSet>): string {
  const lines: string[] = [];
  for (const set of sets) {
    lines.push(['create', set.name, set.type, ...set.options].join(' '));
    for (const member of set.members) lines.push(printMember(member, set));
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** One `add` line. */
export function printMember(member: IpSetMember, set: IpSet): string {
  const words = ['add', set.name, printElement(member, set)];
  if (member.timeout !== undefined) words.push('timeout', String(member.timeout));
  if (member.nomatch === true) words.push('nomatch');
  const more = member.more ?? [];
  for (let i = 0; i < more.length; i += 2)
    words.push(more[i], more[i] === 'comment' ? `"${more[i + 1]}"` : more[i + 1]);
  return words.join(' ');
}
