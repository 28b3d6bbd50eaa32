/** Lists that are not asked, as all of them comes behind a hit that decides: objects that leave out others are not proved. */
import { describe, expect, it } from 'vitest';
import { generateRuleset, type Kind } from '../../../../bench/generate.js';
import { JMP_OP, OPERATION_MASK, type Instruction } from '../../../../codegen/bytecode/instruction.js';
import { BLOCK_BITS, ENTRY, LIST, RECORD_UNIT_BITS } from '../../../../codegen/classify/index.js';
import { readObject } from '../../../../codegen/object/read.js';
import type { ObjectSpec } from '../../../../codegen/object/spec.js';
import { firstMismatch } from '../../../../src/prove/counterexample.js';
import { prove } from '../../../../src/prove/prove.js';
import { generatePackets } from '../../../../src/verify/generate.js';
import type { VerifyJob } from '../../../../src/verify/job.js';
import { withFunction } from '../changes.js';
import { jobOf, withObject } from '../support.js';

const SEED = 3;
const PACKETS = 6_000;
const OPTIONS = { hook: 'xdp', chain: 'INPUT', engine: 'auto' } as const;
/** `*(u64 *)(dst + offset) = imm`. */
const STORE_8 = 0x7a;
/** A rule behind all others. */
const LAST = 0x7fff_fffe;

const isJump = ({ opcode }: Instruction, operation: number): boolean =>
  (opcode & 7) === 5 && (opcode & OPERATION_MASK) === operation;

/** The test of a list's first rule: the first one of its kind, as the code of look-ups begins with it. */
const firstTest = (all: readonly Instruction[]): number =>
  all.findIndex((one) => isJump(one, JMP_OP.jle) && one.dst === 2 && one.src === 1);

function withFind(spec: ObjectSpec, name: string, change: (all: readonly Instruction[]) => Instruction[]): ObjectSpec {
  return withFunction(spec, name, (fn) => ({ ...fn, instructions: change(fn.instructions) }));
}

/** Byte offsets of lists: the first rule, and then an entry with a record of that rule. */
function listsIn(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = 16; at + LIST.entries + 8 <= bytes.length; at += 16) {
    const first = view.getUint32(at + LIST.first, true);
    const record = (view.getUint32(at + LIST.entries + ENTRY.record, true) >>> BLOCK_BITS) << RECORD_UNIT_BITS;
    if (record >= 8 && record + 8 <= bytes.length && view.getUint32(record + 4, true) === first) found.push(at);
  }
  return found;
}

function withFirstRules(spec: ObjectSpec, rule: number): ObjectSpec {
  const { data } = spec;
  if (data === undefined) throw new Error('no table');
  const bytes = data.bytes.slice();
  const lists = listsIn(bytes);
  if (lists.length < 4) throw new Error('no lists');
  const view = new DataView(bytes.buffer);
  for (const at of lists) view.setUint32(at + LIST.first, rule, true);
  return { ...spec, data: { ...data, bytes } };
}

const mismatch = (job: VerifyJob): unknown => {
  const packets = generatePackets(job.ruleset, { table: 'filter', chain: 'INPUT', count: PACKETS, seed: SEED });
  return firstMismatch(
    job,
    packets.map((packet) => ({ packet })),
  );
};

const CASES = [
  { name: 'find_rule_0', kind: 'fw', count: 1_000 },
  { name: 'find_rules_0', kind: 'mixed', count: 1_000 },
] as const;

const jobOfKind = (kind: Kind, count: number): VerifyJob => jobOf(generateRuleset(kind, count, SEED).text, OPTIONS);

describe.each(CASES)('$name', ({ name, kind, count }) => {
  const job = jobOfKind(kind, count);

  it('asks for the first rule of a list', () => {
    let at = -1;
    withObject(job, (spec) => withFind(spec, name, (all) => ((at = firstTest(all)), [...all])));
    expect(at).toBeGreaterThan(0);
    expect(prove(job).kind).toBe('proved');
    expect(mismatch(job)).toBeUndefined();
  });

  it('proves lists that are all asked, too', () => {
    const other = withObject(job, (spec) => withFirstRules(spec, 0));
    expect(prove(other).kind).toBe('proved');
    expect(mismatch(other)).toBeUndefined();
  });

  it('does not prove lists that are left out', () => {
    const other = withObject(job, (spec) => withFirstRules(spec, LAST));
    expect(mismatch(other)).toBeDefined();
    expect(prove(other).kind).not.toBe('proved');
  });

  it('does not prove the test the other way round', () => {
    const turned = (one: Instruction): Instruction => ({ ...one, opcode: one.opcode ^ JMP_OP.jle ^ JMP_OP.jgt });
    const other = withObject(job, (spec) =>
      withFind(spec, name, (all) => all.map((one, at) => (at === firstTest(all) ? turned(one) : one))),
    );
    expect(mismatch(other)).toBeDefined();
    expect(prove(other).kind).not.toBe('proved');
  });
});

it('does not prove lists that are left out where what is known goes on', () => {
  const [, { name, kind, count }] = CASES;
  const job = jobOfKind(kind, count);
  // Behind the test of the first rule: r1 = the hit, >> the bit of what decides, & 1.
  const other = withObject(job, (spec) =>
    withFind(spec, name, (all) => all.map((one, at) => (at === firstTest(all) + 2 ? { ...one, imm: 31 } : one))),
  );
  expect(prove(other).kind).not.toBe('proved');
});

it('does not prove a place that is not 0 before', () => {
  const [, { kind, count }] = CASES;
  const job = jobOfKind(kind, count);
  const isCleared = ({ opcode, dst, imm }: Instruction): boolean =>
    opcode === STORE_8 && dst === 10 && Number(imm) === 0;
  const other = withObject(job, (spec) =>
    withFind(spec, 'chain_0', (all) => {
      const at = all.findIndex(isCleared);
      return all.with(at, { ...all[at], imm: -1 });
    }),
  );
  expect(prove(other).kind).not.toBe('proved');
});

it('finds the lists of a table', () => {
  const { data } = readObject(jobOfKind('fw', 1_000).object);
  expect(listsIn(data?.bytes ?? new Uint8Array(0)).length).toBeGreaterThan(4);
});
