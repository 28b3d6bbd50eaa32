import type { RejectType } from '../../grammar/model/ruleset.js';

/** What a chain function returns in r0. Codes from {@link VERDICT}.REJECT on carry the type of the answer, or which target ends. */
export const VERDICT = {
  /** The end of this part of the chain was reached. */
  NEXT: 0,
  /** RETURN: the rest of the chain is skipped. */
  RETURN: 1,
  ACCEPT: 2,
  DROP: 3,
  /** First of the reject codes: REJECT + index in {@link REJECT_TYPES}. */
  REJECT: 4,
  /** First of the codes of targets that end and that iptables performs (netfilter). */
  END: 64,
  /** A chain decides that is judged once for all jumps to it (visits/plan.ts), and says by itself what. */
  ELSEWHERE: 4096,
} as const;

export const REJECT_TYPES: readonly RejectType[] = [
  'icmp-net-unreachable',
  'icmp-host-unreachable',
  'icmp-proto-unreachable',
  'icmp-port-unreachable',
  'icmp-net-prohibited',
  'icmp-host-prohibited',
  'icmp-admin-prohibited',
  'tcp-reset',
  'icmp6-no-route',
  'icmp6-adm-prohibited',
  'icmp6-addr-unreachable',
  'icmp6-port-unreachable',
  'icmp6-policy-fail',
  'icmp6-reject-route',
];

export function rejectCode(type: RejectType): number {
  return VERDICT.REJECT + REJECT_TYPES.indexOf(type);
}

/** What a rule with REJECT decides, as `--reject` says. */
export function rejectVerdict(type: RejectType, reject: 'answer' | 'drop'): number {
  return reject === 'drop' ? VERDICT.DROP : rejectCode(type);
}

/** `index`: place of a target among those of the object that end. */
export function endCode(index: number): number {
  return VERDICT.END + index;
}
