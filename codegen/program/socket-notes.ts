import type { Analysis } from './analysis.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import { seesPieces } from './surroundings.js';

/** A program that reads states does not switch connection tracking on, as a rule of iptables does. */
function asksState(rules: Analysis['rules']): boolean {
  let asks = false;
  for (const { meaning } of rules) {
    visitCondition(meaning.condition, { opaque: ({ name }) => (asks ||= name === 'ctstate') });
  }
  return asks;
}

/** What objects at sockets see of a chain's packets, and what not. */
export function socketAssumptions({ hook, view, ruleset, rules, fragments }: Analysis): readonly string[] {
  const other = view.family === 'v4' ? 'IPv6' : 'IPv4';
  const whose = hook === 'cgroup' ? 'sockets of the control group' : 'sockets with the filter';
  const notes = [`packets of ${other} pass: an object is for one IP version`];
  if (view.chain === 'OUTPUT') {
    notes.push(
      `chain OUTPUT judges what ${whose} send, as POSTROUTING has left it; what the kernel itself sends passes`,
    );
  } else {
    notes.push(
      `chain INPUT judges what ${whose} get: packets that come to no such socket are neither judged nor counted`,
    );
  }
  if (asksState(rules)) notes.push('connection tracking is switched on in the network namespace of the sockets');
  if (seesPieces(ruleset, view)) {
    const fate = { judge: 'judged whole', drop: 'dropped', pass: 'passed unjudged' }[fragments];
    notes.push(`datagrams that came in pieces are ${fate}, where ip6tables judges the pieces`);
  }
  return notes;
}
