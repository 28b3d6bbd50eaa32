import type { Family } from '../../model/family.js';
import type { RejectType } from '../../model/ruleset.js';
import { defineTarget, option, optionWords, type Given, type ValueType } from '../define.js';
import { unknownName } from '../value/suggest.js';
import { isPrefix } from '../value/text.js';

type Answer = readonly [type: RejectType, alias: string];

/** In the order of the kernel's numbers, which decides between names with a common beginning. */
const ANSWERS: Readonly<Record<Family, readonly Answer[]>> = {
  v4: [
    ['icmp-net-unreachable', 'net-unreach'],
    ['icmp-host-unreachable', 'host-unreach'],
    ['icmp-proto-unreachable', 'proto-unreach'],
    ['icmp-port-unreachable', 'port-unreach'],
    ['icmp-net-prohibited', 'net-prohib'],
    ['icmp-host-prohibited', 'host-prohib'],
    ['tcp-reset', 'tcp-rst'],
    ['icmp-admin-prohibited', 'admin-prohib'],
  ],
  v6: [
    ['icmp6-no-route', 'no-route'],
    ['icmp6-adm-prohibited', 'adm-prohibited'],
    ['icmp6-addr-unreachable', 'addr-unreach'],
    ['icmp6-port-unreachable', 'port-unreach'],
    ['tcp-reset', 'tcp-reset'],
    ['icmp6-policy-fail', 'policy-fail'],
    ['icmp6-reject-route', 'reject-route'],
  ],
};

const DEFAULT: Readonly<Record<Family, RejectType>> = { v4: 'icmp-port-unreachable', v6: 'icmp6-port-unreachable' };

function abbreviatedAnswer(word: string, family: Family): Answer | undefined {
  return ANSWERS[family].find(([type, alias]) => isPrefix(word, type) || isPrefix(word, alias));
}

const rejectType: ValueType<RejectType> = {
  arity: 1,
  placeholder: 'type',
  parse: ([word], { family }) => {
    const answer = ANSWERS[family].find(([type]) => type === word) ?? abbreviatedAnswer(word, family);
    if (answer !== undefined) return { value: answer[0] };
    return unknownName(word, ANSWERS[family].flat(), `"${word}" is not a reject type`);
  },
  print: (type) => [type],
};

const OPTIONS = {
  type: option('--reject-with', rejectType, { doc: 'answer to send; port unreachable if left out' }),
};

function answerOf(given: Given<RejectType> | undefined, family: Family): RejectType {
  return given?.value ?? DEFAULT[family];
}

const TCP = 6;

/** Drop and answer (net/ipv4/netfilter/ipt_REJECT.c, net/ipv6/netfilter/ip6t_REJECT.c). */
export const reject = defineTarget({
  name: 'REJECT',
  families: ['v4', 'v6'],
  tables: ['filter'],
  hooks: ['INPUT', 'FORWARD', 'OUTPUT'],
  doc: 'drop the packet and tell its sender',
  options: OPTIONS,
  check: ({ type }, { protocol }) => {
    const tcp = protocol?.number === TCP && !protocol.inverted;
    return type?.value === 'tcp-reset' && !tcp ? ['--reject-with tcp-reset needs -p tcp'] : [];
  },
  print: ({ type }, context) =>
    optionWords(OPTIONS.type, { value: answerOf(type, context.family), inverted: false }, context),
  effect: ({ type }, { family }) => ({ kind: 'reject', type: answerOf(type, family) }),
});
