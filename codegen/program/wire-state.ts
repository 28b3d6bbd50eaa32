/** The connection of a packet that leaves, at tc egress: it has its entry with it (skb->_nfct) since chain OUTPUT. */
import type { CtState } from '../../grammar/model/condition.js';
import { callKfunc, mov64, R0, R1, R6, R7, reg } from '../bytecode/instruction.js';
import type { KernelStruct } from '../object/spec.js';
import { CAST_KFUNC, DEVICE_STRUCTS } from './device-name.js';
import { emitConnectionState } from './netfilter/conntrack.js';
import type { EntryContext } from './packet/entry.js';
import { isWireView, knowsConnection, type View } from './place.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { RuleMeaning } from './reachable.js';

/** Rules as a view decides them. */
interface Meanings {
  readonly rules: readonly { readonly meaning: RuleMeaning }[];
}

/** States that rules ask for. */
export function statesOf({ rules }: Meanings): ReadonlySet<CtState> {
  const states = new Set<CtState>();
  for (const { meaning } of rules) {
    visitCondition(meaning.condition, {
      opaque: (test) => {
        if (test.name === 'ctstate') test.states.forEach((state) => states.add(state));
      },
    });
  }
  return states;
}

/** Whether the program of a chain on the wire reads states. */
export function readsOwnState(analysis: Meanings & { readonly view: View }): boolean {
  return isWireView(analysis.view) && knowsConnection(analysis.view) && statesOf(analysis).size > 0;
}

/** Stores the state in the flow, where rules ask for it. r6 = context; clobbers all registers but r6. */
export function emitOwnState({ code, flow, scratch, view }: EntryContext, { rules }: Meanings): void {
  if (!readsOwnState({ rules, view })) return;
  code.emit(mov64(R1, reg(R6)), callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)));
  emitConnectionState(code, flow, scratch, statesOf({ rules }).has('DNAT'));
}

/** What such a program reads of the kernel's structs; the offsets are of no kernel. */
export const OWN_STATE_STRUCTS: readonly KernelStruct[] = [
  ...DEVICE_STRUCTS.filter(({ name }) => name !== 'sk_buff'),
  {
    name: 'sk_buff',
    bytes: 16,
    members: [
      { name: 'dev', offset: 0, bytes: 8, type: 'pointer' },
      { name: '_nfct', offset: 8, bytes: 8 },
    ],
  },
  { name: 'nf_conn', bytes: 8, members: [{ name: 'status', offset: 0, bytes: 8 }] },
];
