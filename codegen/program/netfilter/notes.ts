/**
 * What iptables does for a program at netfilter, which can accept a packet and drop it, but neither answer nor change
 * it: the program accepts the packet and notes what is to be done, by the address of its `struct sk_buff`; right
 * behind, rules of iptables ask socket filters (`-m bpf --object-pinned`) whether the packet is noted for their target,
 * one rule for each: they change its mark bit by bit, perform targets that go on, and then the one that ends (REJECT,
 * a queue). A guard behind that drops what is still noted, so that a missing rule never lets a packet through.
 */
import type { RejectType } from '../../../grammar/model/ruleset.js';
import {
  alu32,
  alu64,
  atomic,
  ATOMIC_OP,
  callHelper,
  callKfunc,
  exit,
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
  R6,
  R7,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import type { EntrySpec, MapSpec } from '../../object/spec.js';
import { assemble } from '../../bytecode/assemble.js';
import { Code } from '../code.js';
import { CAST_KFUNC } from '../device-name.js';
import { endCode, rejectCode, VERDICT } from '../verdict.js';
import { NF_CONTEXT } from './structs.js';

/** Packets on their way from the program to the rules: few at a time, each CPU has one or two. */
const MOST_NOTED = 4096;
export const NOTED = 'noted';
export const PENDING = 'pending';
/** A note: u32 verdict code, u32 bits of the mark to turn over, u32 bits of targets that go on. */
export const NOTE = { code: 0, mark: 4, targets: 8, bytes: 12 } as const;

/** `noted`: address of a packet → note. `pending`: how many there are; nearly always none. */
export const NOTE_MAPS: readonly MapSpec[] = [
  { name: NOTED, type: 'hash', keySize: 8, valueSize: NOTE.bytes, maxEntries: MOST_NOTED },
  { name: PENDING, type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 },
];

export const GUARD = 'ipt2bpf_guard';

/** A socket filter that a rule asks: whether the packet is noted for the target of the rule. */
export type Question =
  /** The verdict is this one; the note is taken away. */
  | { readonly kind: 'reject'; readonly type: RejectType }
  /** A target that ends, by its place among those of the object. */
  | { readonly kind: 'end'; readonly index: number }
  | { readonly kind: 'drop' }
  /** What is left of the note of an accepted packet is taken away; the rule has no target. */
  | { readonly kind: 'accept' }
  /** This bit of the mark is to be turned over. */
  | { readonly kind: 'mark'; readonly bit: number }
  | { readonly kind: 'target'; readonly bit: number };

/** Name of the program that answers, unique in the object. */
export function questionName(question: Question): string {
  switch (question.kind) {
    case 'reject':
      return `ipt2bpf_reject_${question.type.replaceAll('-', '_')}`;
    case 'end':
      return `ipt2bpf_end_${question.index}`;
    case 'drop':
    case 'accept':
      return `ipt2bpf_${question.kind}`;
    case 'mark':
    case 'target':
      return `ipt2bpf_${question.kind}_${question.bit}`;
  }
}

/** Stack of the programs: below the key of the counters. */
const PACKET = -16;
const INDEX = -20;
/** A note as it is written. */
export const NOTE_SLOT = -40;

/** Calls a helper on the entry of the packet whose address is at r10 + {@link PACKET}. Clobbers r0–r5. */
function callOnEntry(code: Code, helper: 'map_lookup_elem' | 'map_delete_elem'): void {
  code.emit(loadMap(R1, NOTED), mov64(R2, reg(R10)), alu64('add', R2, PACKET), callHelper(helper));
}

/** r0 = address of the number of noted packets; goes to `none` where there is none. Clobbers r0–r5. */
function findPending(code: Code, none: string): void {
  code.emit(storeImm(4, R10, INDEX, 0), loadMap(R1, PENDING), mov64(R2, reg(R10)), alu64('add', R2, INDEX));
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, none));
}

function addPending(code: Code, change: 1 | -1): void {
  const none = code.label('pending');
  findPending(code, none);
  code.emit(mov64(R1, change), atomic(8, ATOMIC_OP.add, R0, 0, R1));
  code.place(none);
}

/** Takes the packet at r7 off the list; goes to `clean` where it is not on it. Clobbers r0–r5. */
function takeOff(code: Code, clean: string): void {
  findPending(code, clean);
  code.emit(load(8, R1, R0, 0), jump64('jeq', R1, 0, clean), store(8, R10, PACKET, R7));
  callOnEntry(code, 'map_delete_elem');
  code.emit(jump64('jne', R0, 0, clean));
  addPending(code, -1);
}

/**
 * At the start of a program: a note for an earlier packet at the same address, which something between the program and
 * the rules has thrown away, is none for this one.
 */
export function emitForget(code: Code): void {
  const clean = code.label('clean');
  takeOff(code, clean);
  code.place(clean);
}

/**
 * At its end: notes the packet at r7; the note is on the stack at {@link NOTE_SLOT}. Goes to `full` where that cannot
 * be. Clobbers r0–r5.
 */
export function emitNote(code: Code, full: string): void {
  code.emit(store(8, R10, PACKET, R7), loadMap(R1, NOTED), mov64(R2, reg(R10)));
  code.emit(alu64('add', R2, PACKET), mov64(R3, reg(R10)), alu64('add', R3, NOTE_SLOT), mov64(R4, 0));
  code.emit(callHelper('map_update_elem'), jump64('jne', R0, 0, full));
  addPending(code, 1);
}

/** The guard, and a socket filter for each question. */
export function noteEntries(questions: readonly Question[]): readonly EntrySpec[] {
  return [guard(), ...questions.map(answer)];
}

function guard(): EntrySpec {
  const code = new Code();
  const clean = code.label('clean');
  code.at({ text: '# what rules of iptables were to do and have not done is dropped', line: 1, column: 1 });
  code.emit(mov64(R6, reg(R1)), load(8, R7, R6, NF_CONTEXT.skb));
  takeOff(code, clean);
  code.emit(mov64(R0, 0), exit());
  code.place(clean);
  code.emit(mov64(R0, 1), exit());
  return {
    name: GUARD,
    linkage: 'global',
    params: [{ name: 'ctx', type: { kind: 'context', struct: 'bpf_nf_ctx' } }],
    instructions: assemble(GUARD, code.finish()),
  };
}

/** Returns 1 for packets that are noted for the question, else 0. */
function answer(question: Question): EntrySpec {
  const name = questionName(question);
  const code = new Code();
  const other = code.label('other');
  code.at({ text: `# ${describe(question)}`, line: 1, column: 1 });
  code.emit(callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)), store(8, R10, PACKET, R7));
  callOnEntry(code, 'map_lookup_elem');
  code.emit(jump64('jeq', R0, 0, other));
  if (question.kind === 'mark' || question.kind === 'target') {
    code.emit(load(4, R1, R0, question.kind === 'mark' ? NOTE.mark : NOTE.targets), alu32('rsh', R1, question.bit));
    code.emit(alu32('and', R1, 1), jump32('jeq', R1, 0, other));
  } else {
    code.emit(load(4, R1, R0, NOTE.code), jump32('jne', R1, codeOf(question), other));
    callOnEntry(code, 'map_delete_elem');
    code.emit(jump64('jne', R0, 0, other));
    addPending(code, -1);
  }
  code.emit(mov64(R0, 1), exit());
  code.place(other);
  code.emit(mov64(R0, 0), exit());
  return {
    name,
    section: 'socket',
    linkage: 'global',
    params: [{ name: 'ctx', type: { kind: 'context', struct: '__sk_buff' } }],
    instructions: assemble(name, code.finish()),
  };
}

/** The verdict that a question about the end of the way is for. */
function codeOf(question: Exclude<Question, { kind: 'mark' | 'target' }>): number {
  switch (question.kind) {
    case 'reject':
      return rejectCode(question.type);
    case 'end':
      return endCode(question.index);
    case 'drop':
      return VERDICT.DROP;
    case 'accept':
      return VERDICT.ACCEPT;
  }
}

function describe(question: Question): string {
  switch (question.kind) {
    case 'reject':
      return `packets to be rejected with ${question.type}`;
    case 'end':
      return `packets that target ${question.index} ends`;
    case 'drop':
      return 'packets to be dropped behind their targets';
    case 'accept':
      return 'packets whose targets are done';
    case 'mark':
      return `packets with bit ${question.bit} of the mark to be turned over`;
    case 'target':
      return `packets for target ${question.bit}`;
  }
}
