import type { Family } from '../../../grammar/model/family.js';
import type { Field } from '../../../grammar/model/fields.js';
import type { RejectType } from '../../../grammar/model/ruleset.js';
import { exit, jump64, jump32, mov64, R0, R1, R9, reg } from '../../bytecode/instruction.js';
import type { EntryContext } from '../packet/entry.js';
import { rejectCode } from '../verdict.js';
import type { View } from '../view.js';
import { emitWhole, type Answer } from './frame.js';
import { emitReset } from './reset.js';
import { emitUnreachable } from './unreachable.js';

/** Codes of "destination unreachable" (include/uapi/linux/icmp.h, icmpv6.h), as reject_tg and reject_tg6 choose them. */
const ICMP_CODES: Readonly<Record<Exclude<RejectType, 'tcp-reset'>, number>> = {
  'icmp-net-unreachable': 0,
  'icmp-host-unreachable': 1,
  'icmp-proto-unreachable': 2,
  'icmp-port-unreachable': 3,
  'icmp-net-prohibited': 9,
  'icmp-host-prohibited': 10,
  'icmp-admin-prohibited': 13,
  'icmp6-no-route': 0,
  'icmp6-adm-prohibited': 1,
  'icmp6-addr-unreachable': 3,
  'icmp6-port-unreachable': 4,
  'icmp6-policy-fail': 5,
  'icmp6-reject-route': 6,
};
const DROP = { xdp: 1, tc: 2 } as const;

/** Fields that the flow must have where a packet is answered. */
export function rejectFields(family: Family): readonly Field[] {
  return family === 'v6' ? ['proto'] : [];
}

/** What the answers need of the kernel beyond the rest of the program: the first release that can send them all. */
export function rejectNeeds(view: View, types: readonly RejectType[]): { kernel: string; feature: string } | undefined {
  const routed = view.chain === 'FORWARD' && types.some((type) => type !== 'tcp-reset');
  if (routed) return { kernel: '6.7', feature: 'bpf_fib_lookup with BPF_FIB_LOOKUP_SRC (REJECT in FORWARD)' };
  return view.hook === 'tc' && types.length > 0
    ? { kernel: '5.8', feature: 'bpf_csum_level (REJECT at tc)' }
    : undefined;
}

/**
 * Ends the entry function where a packet is rejected: sends the answer that iptables' REJECT gives, or drops the packet
 * where it gives none. r0 = verdict code of one of `types`, r6 = context; struct flow has FLOW_L3, FLOW_LENGTH,
 * FLOW_THOFF and {@link rejectFields}. Every path exits. Uses the 64 bytes of scratch and no other stack.
 */
export function emitReject(context: EntryContext, types: readonly RejectType[]): void {
  const { code } = context;
  const answer: Answer = { ...context, silent: code.label('silent') };
  const reset = code.label('reset');
  const icmp = types.filter((type): type is Exclude<RejectType, 'tcp-reset'> => type !== 'tcp-reset');
  const resets = icmp.length < types.length;
  code.emit(mov64(R9, reg(R0)));
  emitWhole(answer);
  if (icmp.length > 0) {
    if (resets) code.emit(jump64('jeq', R9, rejectCode('tcp-reset'), reset));
    emitCode(answer, icmp);
    emitUnreachable(answer);
  }
  if (resets) {
    code.place(reset);
    emitReset(answer);
  }
  code.place(answer.silent);
  code.emit(mov64(R0, DROP[context.view.hook]), exit());
}

/** r9 = ICMP code of the verdict code in r9. Clobbers r1. */
function emitCode(answer: Answer, types: readonly Exclude<RejectType, 'tcp-reset'>[]): void {
  const { code } = answer;
  const [first, ...others] = types;
  code.emit(mov64(R1, reg(R9)), mov64(R9, ICMP_CODES[first]));
  for (const type of others) {
    const next = code.label('type');
    code.emit(jump32('jne', R1, rejectCode(type), next), mov64(R9, ICMP_CODES[type]));
    code.place(next);
  }
}
