/**
 * Tests that a netfilter program cannot answer, and iptables' own code answers for it: in front of the program, at the
 * beginning of table mangle, a rule for each of them asks every packet (`-m set … -m bpf --object-pinned`), and a
 * socket filter of the object notes for which it holds. It may be asked there and then only where the answer is the
 * same at the rule, and asking leaves no trace.
 */
import type { Opaque } from '../../../grammar/model/condition.js';
import { deviceGroupWords } from '../../../grammar/model/device-group.js';
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
import type { Question } from '../manifest.js';
import type { Asking, View } from '../place.js';

/** Matches that read, and read what nothing changes between table mangle and table filter. */
const READING: ReadonlySet<string> = new Set([
  'cgroup',
  'cluster',
  'connbytes',
  'connlabel',
  'connmark',
  'helper',
  'ipvs',
  'owner',
  'policy',
  'rateest',
  'realm',
  'socket',
]);
/** An option that makes a match write the packet's mark. */
const WRITING = '--restore-skmark';
/** What the reader of a dump calls the test of an address that is a name. */
const HOST_NAME = 'host name';

const ESTIMATORS = ['--rateest', '--rateest1', '--rateest2'];
const COMPARISONS = ['--rateest-lt', '--rateest-gt', '--rateest-eq'];

/** Names of the estimators that a test compares. */
export function estimatorNames(words: readonly string[]): readonly string[] {
  return words.flatMap((word, index) => (ESTIMATORS.includes(word) ? [words[index + 1]] : []));
}

/** Whether iptables reads the words, and each estimator is one of the dump's. */
function canCompareRates(words: readonly string[], { estimators }: Asking): boolean {
  if (words.filter((word) => COMPARISONS.includes(word)).length !== 1) return false;
  return estimatorNames(words).every((name) => estimators.has(name));
}

/** Words of a rule that ask what a test asks; undefined where that cannot be asked in front of the program. */
export function questionWords(test: Opaque, view: View): readonly string[] | undefined {
  if (view.hook !== 'netfilter' || view.asking === undefined) return undefined;
  if (test.name === 'module') {
    if (test.module === 'connmark' && !view.asking.connectionMark) return undefined;
    if (test.module === 'rateest' && !canCompareRates(test.words, view.asking)) return undefined;
    if (test.module === HOST_NAME) return view.asking.addresses ? test.words : undefined;
    return READING.has(test.module) && !test.words.includes(WRITING) ? ['-m', test.module, ...test.words] : undefined;
  }
  if (test.name === 'devgroup') return ['-m', 'devgroup', ...deviceGroupWords(test)];
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

/** What `asked` says of a packet: u32 answers, a bit each; of tests that are asked where they stand: whether they are answered, and {@link NEXT}. */
export const ANSWER = { answers: 0, answered: 4, next: 8, bytes: 12 } as const;
/** What is to be asked next: nothing, the test of bit n − 1, or what a rehearsal is to find out. */
export const NEXT = { nothing: 0, unknown: -1 } as const;

/**
 * `asked`: address of a packet → {@link ANSWER}. Packets that are thrown away before the program stay in it until their
 * place is taken: a packet whose answers are lost is dropped.
 */
export const ASKED_MAP: MapSpec = {
  name: ASKED,
  type: 'lru_hash',
  keySize: 8,
  valueSize: ANSWER.bytes,
  maxEntries: 16384,
};

/** Program of the rule in front of the questions: none is answered yet. */
export const BEGIN = 'ipt2bpf_ask';
/** Program of a question. */
export const askName = (bit: number): string => `${BEGIN}_${bit}`;

/** Program that tells which packets come to the test of a question. */
export const reachName = (bit: number): string => `${BEGIN}_reach_${bit}`;

const PACKET = -16;
const ANSWERS = -32;

/** r2 = address of the key of the packet at r7; r1 = the map. */
function emitKey(code: Code): void {
  code.emit(store(8, R10, PACKET, R7), loadMap(R1, ASKED), mov64(R2, reg(R10)), alu64('add', R2, PACKET));
}

/** r0 = what is known of the packet at r7; goes to `unasked` where that is nothing. Clobbers r1–r5 and 8 bytes at r10 − 16. */
export function findAnswers(code: Code, unasked: string): void {
  emitKey(code);
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, unasked));
}

/** Where answers stand in the flow. */
export interface AnswersAt {
  readonly asked: number;
  readonly places?: number;
}

/** Copies the answers at r0 to r10 + `at`. */
export function copyAnswers(code: Code, { asked, places }: AnswersAt): void {
  code.emit(load(4, R1, R0, ANSWER.answers), store(4, R10, asked, R1));
  if (places !== undefined) code.emit(load(4, R1, R0, ANSWER.answered), store(4, R10, places + PLACES.answered, R1));
}

/**
 * Puts the answers for the packet at r7 into the flow, and goes to `unasked` where there are none. Clobbers r0–r5 and
 * 16 bytes below r10.
 */
export function emitAnswers(code: Code, at: AnswersAt, unasked: string): void {
  findAnswers(code, unasked);
  copyAnswers(code, at);
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

/** The fact `places` in the flow; `unparsed`: `connlimit` drops the packet at once (parsed.ts). */
export const PLACES = { answered: 0, next: 4, unparsed: 8 } as const;

/** Goes to `unasked` where the test of a bit has no answer yet; `at`: the fact `places`. Clobbers r1. */
export function emitPlaceTest(code: Code, flow: number, at: number, bit: number, unasked: string): void {
  code.emit(load(4, R1, flow, at + PLACES.answered), alu32('rsh', R1, bit), alu32('and', R1, 1));
  code.emit(jump32('jeq', R1, 0, unasked));
}

/** The programs that the rules ask, beside the rehearsals: {@link reachName} alone ever matches. */
export function askEntries(questions: readonly Question[]): readonly EntrySpec[] {
  if (questions.length === 0) return [];
  const own = questions.flatMap(({ reach }, bit) => (reach === undefined ? [] : [reachEntry(bit)]));
  return [begin(), ...questions.map((_, bit) => note(bit)), ...own];
}

function begin(): EntrySpec {
  const code = new Code();
  code.at({ text: '# a packet whose answers come', line: 1, column: 1 });
  code.emit(callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)));
  code.emit(storeImm(8, R10, ANSWERS, 0), storeImm(4, R10, ANSWERS + ANSWER.next, NEXT.unknown));
  emitKey(code);
  code.emit(mov64(R3, reg(R10)), alu64('add', R3, ANSWERS), mov64(R4, 0));
  code.emit(callHelper('map_update_elem'), mov64(R0, 0), exit());
  return socketFilter(BEGIN, code);
}

function note(bit: number): EntrySpec {
  const code = new Code();
  const end = code.label('end');
  code.at({ text: `# packets for which question ${bit} holds`, line: 1, column: 1 });
  code.emit(callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)));
  findAnswers(code, end);
  code.emit(load(4, R1, R0, ANSWER.answers), alu32('or', R1, 1 << bit), store(4, R0, ANSWER.answers, R1));
  code.place(end);
  code.emit(mov64(R0, 0), exit());
  return socketFilter(askName(bit), code);
}

/** Packets that come to the test now: it is as good as answered, with no, and what comes next is unknown again. */
function reachEntry(bit: number): EntrySpec {
  const code = new Code();
  const other = code.label('other');
  code.at({ text: `# packets that come to question ${bit} now`, line: 1, column: 1 });
  code.emit(callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)));
  findAnswers(code, other);
  code.emit(load(4, R1, R0, ANSWER.next), jump32('jne', R1, bit + 1, other));
  code.emit(load(4, R1, R0, ANSWER.answered), alu32('or', R1, 1 << bit), store(4, R0, ANSWER.answered, R1));
  code.emit(storeImm(4, R0, ANSWER.next, NEXT.unknown), mov64(R0, 1), exit());
  code.place(other);
  code.emit(mov64(R0, 0), exit());
  return socketFilter(reachName(bit), code);
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
