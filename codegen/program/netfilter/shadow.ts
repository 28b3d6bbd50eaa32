/**
 * Comparing with iptables instead of deciding: the program accepts every packet, and notes those that it would accept by
 * the address of their `struct sk_buff`. An observer behind table filter sees the packets that iptables accepts. With a
 * note, both accept; without one, the program would have dropped what iptables accepts. A note that is left is of a
 * packet that iptables has dropped. A traversal of a hook may be interrupted and go on on another CPU: an address is
 * one packet's own as long as that lives.
 */
import type { BuiltinChain } from '../../../grammar/model/family.js';
import { assemble } from '../../bytecode/assemble.js';
import {
  addFieldOffset,
  alu64,
  atomic,
  ATOMIC_OP,
  callHelper,
  exit,
  goto,
  jump32,
  jump64,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import type { EntrySpec, KernelStruct, MapSpec } from '../../object/spec.js';
import { Code } from '../code.js';
import { VERDICT } from '../verdict.js';
import { emitStateDevice } from './device.js';
import { emitDynptr } from './packet.js';
import { NETFILTER_STRUCTS, NF_CONTEXT } from './structs.js';

export const OBSERVER = 'ipt2bpf_observer';
/** What is counted; the notes; and packets that iptables accepts and the program would not. */
export const SHADOW_MAPS = { state: 'shadow', notes: 'shadow_notes', examples: 'shadow_seen' } as const;

/**
 * What is kept of a packet, little endian: u32 phase, u32 {@link SHADOW_CLASS}, u64 nanoseconds of CLOCK_BOOTTIME, u32
 * hook (enum nf_inet_hooks), u32 bytes of the packet that are there, names of the devices (their words turned round), the
 * packet from its IP header on.
 */
export const SHADOW_NOTE = {
  phase: 0,
  class: 4,
  time: 8,
  hook: 16,
  captured: 20,
  in: 24,
  out: 40,
  packet: 56,
  packetBytes: 64,
  bytes: 120,
} as const;

/** The program accepts it; or a queue decides, which is not compared. */
export const SHADOW_CLASS = { accepted: 1, undecided: 2 } as const;

/** Off; noting, while packets are on their way that have no note; comparing. */
export const SHADOW_PHASE = { off: 0, noting: 1, comparing: 2 } as const;

/** What is counted of each hook: `unnoted`: accepted, with no room for a note; `unexpected`: seen behind without a note. */
export const SHADOW_COUNTS = ['accepted', 'dropped', 'undecided', 'unnoted', 'passed', 'unexpected'] as const;
export type ShadowCount = (typeof SHADOW_COUNTS)[number];
const HOOKS: readonly BuiltinChain[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/** The one value of map `shadow`: u32 phase, u32 packets in `shadow_seen` so far, an empty note, u64 counts of each hook. */
export const SHADOW_STATE = { phase: 0, seen: 4, empty: 8, counts: 8 + SHADOW_NOTE.bytes } as const;
const HOOK_BYTES = 8 * SHADOW_COUNTS.length;
const SHADOW_STATE_BYTES = SHADOW_STATE.counts + HOOKS.length * HOOK_BYTES;
/** A power of two. */
export const SHADOW_EXAMPLES = 16;
const MOST_NOTES = 16_384;

export function shadowCountOffset(chain: BuiltinChain, count: ShadowCount): number {
  return SHADOW_STATE.counts + HOOKS.indexOf(chain) * HOOK_BYTES + 8 * SHADOW_COUNTS.indexOf(count);
}

export function shadowMaps(): readonly MapSpec[] {
  const { state, notes, examples } = SHADOW_MAPS;
  const { bytes } = SHADOW_NOTE;
  return [
    { name: state, type: 'array', keySize: 4, valueSize: SHADOW_STATE_BYTES, maxEntries: 1 },
    { name: notes, type: 'hash', keySize: 8, valueSize: bytes, maxEntries: MOST_NOTES },
    { name: examples, type: 'array', keySize: 4, valueSize: bytes, maxEntries: SHADOW_EXAMPLES },
  ];
}

/** With the hook's number, which the observer asks. */
export const SHADOW_STRUCTS: readonly KernelStruct[] = NETFILTER_STRUCTS.map((struct) =>
  struct.name === 'nf_hook_state'
    ? { ...struct, bytes: 32, members: [...struct.members, { name: 'hook', offset: 24, bytes: 1 }] }
    : struct,
);

/** Stack of both programs, in the scratch memory below the dynptr: names of two devices, the packet's address, an index. */
const NAMES = -48;
const PACKET = -16;
const INDEX = -52;

/** r0 = entry of the packet's note, or the result of the helper. Clobbers r0–r5. */
function callOnNote(code: Code, helper: 'map_lookup_elem' | 'map_delete_elem'): void {
  code.emit(loadMap(R1, SHADOW_MAPS.notes), mov64(R2, reg(R10)), alu64('add', R2, PACKET), callHelper(helper));
}

/** r9 = the state. Goes to `done` where nothing is to be compared. Clobbers r0–r5. */
function findState(code: Code, done: string): void {
  code.emit(storeImm(4, R10, INDEX, 0), loadMap(R1, SHADOW_MAPS.state), mov64(R2, reg(R10)), alu64('add', R2, INDEX));
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, done), mov64(R9, reg(R0)));
  code.emit(load(4, R1, R9, SHADOW_STATE.phase), jump32('jeq', R1, SHADOW_PHASE.off, done));
  code.emit(store(8, R10, PACKET, R7));
}

/** Adds to a count of the program's own hook, where packets are compared. */
function countHere(code: Code, chain: BuiltinChain, count: ShadowCount): void {
  const not = code.label('count');
  code.emit(load(4, R1, R9, SHADOW_STATE.phase), jump32('jne', R1, SHADOW_PHASE.comparing, not));
  code.emit(mov64(R1, 1), atomic(8, ATOMIC_OP.add, R9, shadowCountOffset(chain, count), R1));
  code.place(not);
}

/** Fills in what is kept of the packet, but for its phase and class. r8 = the note. Clobbers r0–r5. */
function fillNote(code: Code, dynptr: number): void {
  code.emit(callHelper('ktime_get_boot_ns'), store(8, R8, SHADOW_NOTE.time, R0));
  code.emit(load(8, R1, R6, NF_CONTEXT.state), addFieldOffset(R1, 'nf_hook_state', 'hook'), load(1, R1, R1, 0));
  code.emit(store(4, R8, SHADOW_NOTE.hook, R1));
  emitStateDevice(code, 'in', NAMES);
  emitStateDevice(code, 'out', NAMES + 16);
  for (const at of [0, 8, 16, 24]) code.emit(load(8, R1, R10, NAMES + at), store(8, R8, SHADOW_NOTE.in + at, R1));
  const read = code.label('read');
  for (const bytes of [SHADOW_NOTE.packetBytes, 40, 28, 20]) {
    code.emit(storeImm(4, R8, SHADOW_NOTE.captured, bytes));
    code.emit(mov64(R1, reg(R8)), alu64('add', R1, SHADOW_NOTE.packet), mov64(R2, bytes), mov64(R3, reg(R10)));
    code.emit(alu64('add', R3, dynptr), mov64(R4, 0), mov64(R5, 0), callHelper('dynptr_read'));
    code.emit(jump64('jeq', R0, 0, read));
  }
  code.emit(storeImm(4, R8, SHADOW_NOTE.captured, 0));
  code.place(read);
}

/**
 * The end of a program that compares: r0 = verdict code, r6 = context, r7 = `struct sk_buff`; there is room for a dynptr at
 * r10 + `dynptr`, right below the scratch memory used here. Goes to `accept`.
 */
export function emitShadow(code: Code, chain: BuiltinChain, dynptr: number): void {
  const [accepted, note, undecided] = ['accepted', 'note', 'undecided'].map((name) => code.label(name));
  code.emit(mov64(R8, reg(R0)));
  findState(code, 'accept');
  code.emit(jump64('jeq', R8, VERDICT.ACCEPT, accepted), jump64('jge', R8, VERDICT.END, accepted));
  // An earlier packet's, at the same address.
  callOnNote(code, 'map_delete_elem');
  countHere(code, chain, 'dropped');
  code.emit(goto('accept'));
  code.place(accepted);
  code.emit(loadMap(R1, SHADOW_MAPS.notes), mov64(R2, reg(R10)), alu64('add', R2, PACKET), mov64(R3, reg(R9)));
  code.emit(alu64('add', R3, SHADOW_STATE.empty), mov64(R4, 0), callHelper('map_update_elem'));
  code.emit(jump64('jeq', R0, 0, note));
  countHere(code, chain, 'unnoted');
  code.emit(goto('accept'));
  code.place(note);
  callOnNote(code, 'map_lookup_elem');
  code.emit(jump64('jeq', R0, 0, 'accept'), load(4, R1, R9, SHADOW_STATE.phase));
  code.emit(store(4, R0, SHADOW_NOTE.phase, R1), mov64(R1, reg(R8)), mov64(R8, reg(R0)));
  code.emit(jump64('jge', R1, VERDICT.END, undecided));
  code.emit(storeImm(4, R8, SHADOW_NOTE.class, SHADOW_CLASS.accepted));
  emitDynptr(code, R7, dynptr, 'accept');
  fillNote(code, dynptr);
  countNoted(code, chain, 'accepted');
  code.emit(goto('accept'));
  code.place(undecided);
  code.emit(storeImm(4, R8, SHADOW_NOTE.class, SHADOW_CLASS.undecided));
  countNoted(code, chain, 'undecided');
  code.emit(goto('accept'));
}

/** By the phase in the note, which the observer counts by, too: it may have changed since. */
function countNoted(code: Code, chain: BuiltinChain, count: ShadowCount): void {
  const not = code.label('noted');
  code.emit(load(4, R1, R8, SHADOW_NOTE.phase), jump32('jne', R1, SHADOW_PHASE.comparing, not));
  code.emit(mov64(R1, 1), atomic(8, ATOMIC_OP.add, R9, shadowCountOffset(chain, count), R1));
  code.place(not);
}

/** Adds to a count of the hook that the packet is at; r8 is clobbered, too. */
function countThere(code: Code, count: ShadowCount): void {
  const not = code.label('there');
  code.emit(load(8, R1, R6, NF_CONTEXT.state), addFieldOffset(R1, 'nf_hook_state', 'hook'), load(1, R1, R1, 0));
  code.emit(jump64('jge', R1, HOOKS.length, not), alu64('mul', R1, HOOK_BYTES), mov64(R2, reg(R9)));
  code.emit(alu64('add', R2, reg(R1)), mov64(R1, 1));
  code.emit(atomic(8, ATOMIC_OP.add, R2, SHADOW_STATE.counts + 8 * SHADOW_COUNTS.indexOf(count), R1));
  code.place(not);
}

/** Behind table filter: what comes here iptables has accepted. */
export function observerEntry(): EntrySpec {
  const code = new Code();
  const dynptr = NAMES - 24;
  const [accept, absent] = ['accept', 'absent'].map((name) => code.label(name));
  code.at({ text: '# what iptables accepts', line: 1, column: 1 });
  code.emit(mov64(R6, reg(R1)), load(8, R7, R6, NF_CONTEXT.skb));
  findState(code, accept);
  callOnNote(code, 'map_lookup_elem');
  code.emit(jump64('jeq', R0, 0, absent), load(4, R8, R0, SHADOW_NOTE.phase), load(4, R1, R0, SHADOW_NOTE.class));
  const counted = code.label('counted');
  // Not what a queue has decided.
  code.emit(jump32('jeq', R1, SHADOW_CLASS.accepted, counted), mov64(R8, 0));
  code.place(counted);
  callOnNote(code, 'map_delete_elem');
  code.emit(jump64('jne', R8, SHADOW_PHASE.comparing, accept));
  countThere(code, 'passed');
  code.emit(goto(accept));
  code.place(absent);
  code.emit(load(4, R1, R9, SHADOW_STATE.phase), jump32('jne', R1, SHADOW_PHASE.comparing, accept));
  countThere(code, 'unexpected');
  code.emit(mov64(R1, 1), atomic(4, ATOMIC_OP.add | ATOMIC_OP.fetch, R9, SHADOW_STATE.seen, R1));
  code.emit(alu64('and', R1, SHADOW_EXAMPLES - 1), store(4, R10, INDEX, R1), loadMap(R1, SHADOW_MAPS.examples));
  code.emit(mov64(R2, reg(R10)), alu64('add', R2, INDEX), callHelper('map_lookup_elem'));
  code.emit(jump64('jeq', R0, 0, accept), mov64(R8, reg(R0)));
  emitDynptr(code, R7, dynptr, accept);
  fillNote(code, dynptr);
  code.place(accept);
  code.emit(mov64(R0, 1), exit());
  return {
    name: OBSERVER,
    linkage: 'global',
    params: [{ name: 'ctx', type: { kind: 'context', struct: 'bpf_nf_ctx' } }],
    instructions: assemble(OBSERVER, code.finish()),
  };
}
