/**
 * Tests that a netfilter program cannot answer, and iptables' own code answers for it: in front of the program, at the
 * beginning of table mangle, a rule for each of them asks every packet (`-m set … -m bpf --object-pinned`), and a
 * socket filter of the object notes for which it holds. It may be asked there and then only where the answer is the
 * same at the rule, and asking leaves no trace.
 */
import type { Opaque } from '../../../grammar/model/condition.js';
import {
  alu32,
  alu64,
  callHelper,
  callKfunc,
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
  R7,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { assemble } from '../../bytecode/assemble.js';
import type { EntrySpec, MapSpec } from '../../object/spec.js';
import { Code } from '../code.js';
import { CAST_KFUNC } from '../device-name.js';
import type { View } from '../place.js';

/** Matches that read, and read what nothing changes between table mangle and table filter. */
const READING: ReadonlySet<string> = new Set([
  'cgroup',
  'cluster',
  'connbytes',
  'connlabel',
  'connmark',
  'devgroup',
  'helper',
  'ipvs',
  'owner',
  'policy',
  'realm',
  'socket',
]);
/** An option that makes a match write the packet's mark. */
const WRITING = '--restore-skmark';
/** What the reader of a dump calls the test of an address that is a name. */
const HOST_NAME = 'host name';

/** Words of a rule that ask what a test asks; undefined where that cannot be asked in front of the program. */
export function questionWords(test: Opaque, view: View): readonly string[] | undefined {
  if (view.hook !== 'netfilter' || view.asking === undefined) return undefined;
  if (test.name === 'module') {
    if (test.module === 'connmark' && !view.asking.connectionMark) return undefined;
    if (test.module === HOST_NAME) return view.asking.addresses ? test.words : undefined;
    return READING.has(test.module) && !test.words.includes(WRITING) ? ['-m', test.module, ...test.words] : undefined;
  }
  if (test.name === 'conntrack') return view.asking.connection ? ['-m', 'conntrack', ...test.words] : undefined;
  if (test.name === 'bridge-port') return ['-m', 'physdev', ...test.words];
  if (test.name !== 'set' || !view.asking.addresses) return undefined;
  const { name, directions, returnNomatch, counters } = test.test;
  if (counters.length > 0) return undefined;
  const exceptions = returnNomatch ? ['--return-nomatch'] : [];
  const quiet = ['!', '--update-counters', '!', '--update-subcounters'];
  return ['-m', 'set', '--match-set', name, directions.join(','), ...exceptions, ...quiet];
}

export const ASKED = 'asked';
/** Bits of answers. */
export const MOST_ASKED = 32;

/**
 * `asked`: address of a packet → u32 answers. Packets that are thrown away before the program stay in it until their
 * place is taken: a packet whose answers are lost is dropped.
 */
export const ASKED_MAP: MapSpec = { name: ASKED, type: 'lru_hash', keySize: 8, valueSize: 4, maxEntries: 16384 };

/** Program of the rule in front of the questions: none is answered yet. */
export const BEGIN = 'ipt2bpf_ask';
/** Program of a question. */
export const askName = (bit: number): string => `${BEGIN}_${bit}`;

const PACKET = -16;
const ANSWERS = -24;

/** r2 = address of the key of the packet at r7; r1 = the map. */
function emitKey(code: Code): void {
  code.emit(store(8, R10, PACKET, R7), loadMap(R1, ASKED), mov64(R2, reg(R10)), alu64('add', R2, PACKET));
}

/**
 * Puts the answers for the packet at r7 into the flow at r10 + `at`, and goes to `unasked` where there are none.
 * Clobbers r0–r5 and 16 bytes below r10 − 8.
 */
export function emitAnswers(code: Code, at: number, unasked: string): void {
  emitKey(code);
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, unasked));
  code.emit(load(4, R1, R0, 0), store(4, R10, at, R1));
  emitKey(code);
  code.emit(callHelper('map_delete_elem'));
}

/** Tests an answer in the flow at register `flow`. Clobbers r1. */
export function emitAskedTest(
  code: Code,
  flow: number,
  { at, bit }: { readonly at: number; readonly bit: number },
  ifTrue: string,
  ifFalse: string,
): void {
  code.emit(load(4, R1, flow, at), alu32('rsh', R1, bit), alu32('and', R1, 1));
  code.emit(jump32('jne', R1, 0, ifTrue), goto(ifFalse));
}

/** The programs that the rules ask, for so many questions; none of them ever matches. */
export function askEntries(questions: number): readonly EntrySpec[] {
  return questions === 0 ? [] : [begin(), ...Array.from({ length: questions }, (_, bit) => note(bit))];
}

function begin(): EntrySpec {
  const code = new Code();
  code.at({ text: '# a packet whose answers come', line: 1, column: 1 });
  code.emit(callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)));
  emitKey(code);
  code.emit(storeImm(4, R10, ANSWERS, 0), mov64(R3, reg(R10)), alu64('add', R3, ANSWERS), mov64(R4, 0));
  code.emit(callHelper('map_update_elem'), mov64(R0, 0), exit());
  return socketFilter(BEGIN, code);
}

function note(bit: number): EntrySpec {
  const code = new Code();
  const end = code.label('end');
  code.at({ text: `# packets for which question ${bit} holds`, line: 1, column: 1 });
  code.emit(callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)));
  emitKey(code);
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, end));
  code.emit(load(4, R1, R0, 0), alu32('or', R1, 1 << bit), store(4, R0, 0, R1));
  code.place(end);
  code.emit(mov64(R0, 0), exit());
  return socketFilter(askName(bit), code);
}

function socketFilter(name: string, code: Code): EntrySpec {
  return {
    name,
    section: 'socket',
    linkage: 'global',
    params: [{ name: 'ctx', type: { kind: 'context', struct: '__sk_buff' } }],
    instructions: assemble(name, code.finish()),
  };
}
