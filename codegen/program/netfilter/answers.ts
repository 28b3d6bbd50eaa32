/**
 * REJECT at netfilter. A program there cannot answer a packet, iptables can: the program accepts the packet and notes
 * it as rejected, by the address of its `struct sk_buff`; right behind, a rule of iptables for each type of answer asks
 * a socket filter (`-m bpf --object-pinned`) whether the packet is noted, and answers it with its own REJECT. A guard
 * behind that drops what is still noted, so that a missing rule never lets a packet through.
 */
import type { RejectType } from '../../../grammar/model/ruleset.js';
import {
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
  R8,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import type { EntrySpec, MapSpec } from '../../object/spec.js';
import { assemble } from '../../bytecode/assemble.js';
import { Code } from '../code.js';
import { CAST_KFUNC } from '../device-name.js';
import { rejectCode } from '../verdict.js';
import { NF_CONTEXT } from './structs.js';

/** Packets on their way from the program to the rule that answers: few at a time, each CPU has one or two. */
const MOST_NOTED = 4096;
const REJECTED = 'rejected';
export const PENDING = 'pending';

/** `rejected`: address of a packet → code of its answer. `pending`: how many there are; nearly always none. */
export const ANSWER_MAPS: readonly MapSpec[] = [
  { name: REJECTED, type: 'hash', keySize: 8, valueSize: 4, maxEntries: MOST_NOTED },
  { name: PENDING, type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 },
];

export const GUARD = 'ipt2bpf_guard';

export function answerProgram(type: RejectType): string {
  return `ipt2bpf_reject_${type.replaceAll('-', '_')}`;
}

/** Stack of the programs: below the key of the counters. */
const VALUE = -8;
const PACKET = -16;
const INDEX = -20;

/** Calls a helper on the entry of the packet whose address is at r10 + {@link PACKET}. Clobbers r0–r5. */
function callOnEntry(code: Code, helper: 'map_lookup_elem' | 'map_delete_elem'): void {
  code.emit(loadMap(R1, REJECTED), mov64(R2, reg(R10)), alu64('add', R2, PACKET), callHelper(helper));
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

/** At its end: notes the packet at r7 with the verdict code in r0. Goes to `full` where that cannot be. */
export function emitNote(code: Code, full: string): void {
  code.emit(store(4, R10, VALUE, R0), store(8, R10, PACKET, R7), loadMap(R1, REJECTED), mov64(R2, reg(R10)));
  code.emit(alu64('add', R2, PACKET), mov64(R3, reg(R10)), alu64('add', R3, VALUE), mov64(R4, 0));
  code.emit(callHelper('map_update_elem'), jump64('jne', R0, 0, full));
  addPending(code, 1);
}

/** The guard, and a socket filter for each type of answer. */
export function answerEntries(types: readonly RejectType[]): readonly EntrySpec[] {
  return [guard(), ...types.map(answer)];
}

function guard(): EntrySpec {
  const code = new Code();
  const clean = code.label('clean');
  code.at({ text: '# what was to be rejected and was not is dropped', line: 1, column: 1 });
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

/** Matches packets that are noted for this answer, and takes them off the list. */
function answer(type: RejectType): EntrySpec {
  const name = answerProgram(type);
  const code = new Code();
  const other = code.label('other');
  code.at({ text: `# packets to be rejected with ${type}`, line: 1, column: 1 });
  code.emit(callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)), store(8, R10, PACKET, R7));
  callOnEntry(code, 'map_lookup_elem');
  code.emit(jump64('jeq', R0, 0, other), load(4, R8, R0, 0), jump32('jne', R8, rejectCode(type), other));
  callOnEntry(code, 'map_delete_elem');
  code.emit(jump64('jne', R0, 0, other));
  addPending(code, -1);
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
