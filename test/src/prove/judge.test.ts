import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/prove/judge.js';
import { prove } from '../../../src/prove/prove.js';
import {
  ALU_OP,
  CLASS,
  HELPER,
  JMP_OP,
  MODE_MEM,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R4,
  R6,
  reg,
  SIZE,
  SOURCE_X,
  storeImm,
} from '../../../codegen/bytecode/instruction.js';
import { VERDICT } from '../../../codegen/program/verdict.js';
import type { FunctionSpec } from '../../../codegen/object/spec.js';
import { replaced } from './changes.js';
import { filterDump, jobOf, withObject, type JobOptions } from './support.js';

const INPUT: JobOptions = { hook: 'xdp', chain: 'INPUT' };
const HALVES: JobOptions = { ...INPUT, engine: 'auto' };

/** The first test of a chain's rule for packets that are no first piece is never met: `jne w1, 0` becomes a jump to the next. */
function withoutFragmentChecks(fn: FunctionSpec): FunctionSpec {
  const { instructions } = fn;
  const at = instructions.findIndex(
    ({ opcode, imm, offset }, i) =>
      opcode === JUMP32_NE && imm === 0 && offset > 0 && instructions[i - 1].opcode === LOAD16,
  );
  return at < 0 ? fn : { ...fn, instructions: instructions.with(at, { ...instructions[at], offset: 0 }) };
}

const [XDP_DROP, XDP_PASS, XDP_TX] = [1, 2, 3];

/** The last way to a result gives another one. */
function withResult<T extends FunctionSpec>(fn: T, from: number, to: number): T {
  const { instructions } = fn;
  const at = instructions.findLastIndex(
    ({ opcode, dst, imm }, i) =>
      opcode === MOVE && dst === 0 && Number(imm) === from && instructions[i + 1].opcode === EXIT,
  );
  if (at < 0) throw new Error(`no way to ${from}`);
  return { ...fn, instructions: instructions.with(at, { ...instructions[at], imm: to }) };
}

/** Where another chain is called, the jump there is not counted, and nothing follows from what comes of it. */
function callingAlone(fn: FunctionSpec): FunctionSpec {
  const { instructions } = fn;
  const call = instructions.findIndex(
    ({ reference }) => reference?.kind === 'function' && /chain_\d+$/.test(reference.name),
  );
  if (call < 0) return fn;
  const changed = instructions.map((instruction, at) => {
    if (at < call && instruction.opcode === STORE64) return { ...instruction, ...mov64(R6, reg(R6)), offset: 0 };
    return at === call + 1
      ? { ...instruction, ...mov64(R0, VERDICT.NEXT), offset: 0, reference: undefined }
      : instruction;
  });
  return { ...fn, instructions: changed };
}

const STORE64 = CLASS.STX | MODE_MEM | SIZE[8];
const MOVE = CLASS.ALU64 | ALU_OP.mov;
const MOVE_REGISTER = MOVE | SOURCE_X;
const CALL = CLASS.JMP | JMP_OP.call;
const EXIT = CLASS.JMP | JMP_OP.exit;
const JUMP32_NE = CLASS.JMP32 | JMP_OP.jne;
const LOAD16 = CLASS.LDX | MODE_MEM | SIZE[2];

/** Rules that differ in their addresses alone; some are covered by others. */
const LISTED = [
  '-A INPUT -s 192.0.2.1/32 -j DROP',
  '-A INPUT -s 192.0.2.77/32 -j RETURN',
  '-A INPUT -s 192.0.2.0/26 -j ACCEPT',
  '-A INPUT -s 192.0.2.5/32 -j DROP',
  '-A INPUT -s 198.51.100.0/24 -j DROP',
  '-A INPUT -s 192.0.2.80/28 -j ACCEPT',
];

const INLINED = [
  '-A INPUT -p tcp -j one',
  '-A INPUT -p udp -g two',
  '-A INPUT -j DROP',
  '-A one -s 10.0.0.0/8 -j RETURN',
  '-A one -m length --length 100:200',
  '-A one -p tcp --dport 80 -g three',
  '-A one -p tcp --dport 443 -j ACCEPT',
  '-A two -p udp --sport 53 -j ACCEPT',
  '-A two -p udp --sport 54 -j RETURN',
  '-A three -s 192.0.2.0/24 -j ACCEPT',
  '-A three -s 198.51.100.0/24 -j RETURN',
  '-A three',
];

describe('judge', () => {
  const proved: readonly {
    name: string;
    rules: readonly string[];
    options?: JobOptions;
    chains?: readonly string[];
  }[] = [
    { name: 'no rule', rules: [] },
    { name: 'addresses', rules: ['-A INPUT -s 10.0.0.0/8 ! -d 192.0.2.1/32 -j ACCEPT'] },
    { name: 'masks that are no prefix', rules: ['-A INPUT -s 10.0.0.1/255.0.0.255 -j ACCEPT'] },
    {
      name: 'ports, at tc',
      rules: ['-A INPUT -p tcp ! --dport 22:80 -j ACCEPT'],
      options: { hook: 'tc', chain: 'INPUT' },
    },
    { name: 'flags and fragments', rules: ['-A INPUT -p tcp --syn -j ACCEPT', '-A INPUT -f -j ACCEPT'] },
    { name: 'interfaces', rules: ['-A INPUT -i eth+ -j ACCEPT', '-A INPUT ! -i lo -p icmp -j ACCEPT'] },
    {
      name: 'chains',
      rules: [
        '-A INPUT -p udp -j one',
        '-A INPUT -p tcp -g two',
        '-A one -s 10.0.0.0/8 -j RETURN',
        '-A one -m length --length 100:200',
        '-A one -j two',
        '-A two -p udp --sport 53 -j ACCEPT',
      ],
      chains: ['one', 'two'],
      options: { hook: 'xdp', chain: 'INPUT', fragments: 'pass' },
    },
    {
      name: 'OUTPUT',
      rules: ['-A OUTPUT -o eth0 -d 192.0.2.0/24 -j ACCEPT'],
      options: { hook: 'tc', chain: 'OUTPUT' },
    },
    {
      name: 'answers of two kinds',
      rules: [
        '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
        '-A INPUT -s 10.0.0.0/8 -j REJECT',
        '-A INPUT -p icmp -j ACCEPT',
      ],
    },
    {
      name: 'answers in FORWARD at tc',
      rules: ['-A FORWARD -p udp -j one', '-A one -i eth0 -j REJECT --reject-with icmp-admin-prohibited'],
      chains: ['one'],
      options: { hook: 'tc', chain: 'FORWARD' },
    },
    {
      name: 'rules without code, as no packet comes to them',
      rules: [
        '-A INPUT -s 10.0.0.0/8 -j ACCEPT',
        '-A INPUT -s 10.1.0.0/16 -p udp -j DROP',
        '-A INPUT -p tcp -m tcp --dport 22 -j one',
        '-A INPUT -p tcp -m tcp --dport 22 --sport 1 -j ACCEPT',
        '-A INPUT -s 10.1.0.0/16 -j DROP',
        '-A one -p udp -j DROP',
        '-A one -j ACCEPT',
        '-A one -m limit --limit 1/sec -j DROP',
      ],
      chains: ['one'],
    },
    {
      name: 'lists found by halves',
      rules: [...LISTED, '-A INPUT -s 10.0.0.0/8 -j one', ...LISTED.map((rule) => rule.replace('INPUT', 'one'))],
      chains: ['one'],
      options: HALVES,
    },
    {
      name: 'chains that stand where they are jumped to',
      rules: INLINED,
      chains: ['one', 'two', 'three'],
      options: HALVES,
    },
    {
      name: 'chains that stand in another, with memory, at netfilter',
      rules: [
        '-A INPUT -p tcp -j one',
        '-A INPUT -p udp -m limit --limit 2/sec -j ACCEPT',
        '-A one -p tcp --dport 22 -m limit --limit 1/sec -j ACCEPT',
        '-A one -j MARK --set-xmark 0x5/0xff',
        '-A one -j RETURN',
      ],
      chains: ['one'],
      options: { hook: 'netfilter', chain: 'INPUT', engine: 'auto' },
    },
    { name: 'FORWARD', rules: ['-A FORWARD -m ttl --ttl-lt 5 -j ACCEPT'], options: { hook: 'xdp', chain: 'FORWARD' } },
  ];
  for (const { name, rules, options, chains } of proved) {
    it(`proves ${name}`, async () => {
      expect(await judge(jobOf(filterDump(rules, 'DROP', chains), options ?? INPUT))).toMatchObject({
        kind: 'proved',
        rules: expect.any(Number),
      });
    }, 60_000);
  }

  it('proves POSTROUTING of table mangle, where forwarded packets come by, too', async () => {
    const rules = ['-A POSTROUTING -o eth0 -m mark --mark 5 -j ACCEPT', '-A POSTROUTING -d 192.0.2.0/24 -j ACCEPT'];
    const text = ['*mangle', ':OUTPUT ACCEPT [0:0]', ':POSTROUTING DROP [0:0]', ...rules, 'COMMIT', ''].join('\n');
    expect(await judge(jobOf(text, { hook: 'tc', chain: 'POSTROUTING' }))).toMatchObject({ kind: 'proved' });
  }, 60_000);

  const refuted: readonly {
    name: string;
    rules: readonly string[];
    instead: readonly string[];
    options?: JobOptions;
  }[] = [
    {
      name: 'a list with another border',
      rules: LISTED,
      instead: LISTED.map((rule) => rule.replace('192.0.2.80/28', '192.0.2.80/29')),
      options: HALVES,
    },
    {
      name: 'a list in another order',
      rules: LISTED,
      instead: LISTED.map((rule) =>
        rule.replace('2.5/32 -j DROP', '2.0/26 -j DROP').replace('2.0/26 -j ACCEPT', '2.5/32 -j ACCEPT'),
      ),
      options: HALVES,
    },
    {
      name: 'a RETURN that was skipped in a chain that stands in another',
      rules: ['-A INPUT -p udp -j one', '-A one -s 10.0.0.0/8 -j RETURN', '-A one -j ACCEPT'],
      instead: ['-A INPUT -p udp -j one', '-A one -s 10.0.0.0/8', '-A one -j ACCEPT'],
      options: HALVES,
    },
    {
      name: 'a goto that comes back',
      rules: ['-A INPUT -p udp -g one', '-A INPUT -j ACCEPT', '-A one -s 10.0.0.0/8 -j DROP'],
      instead: ['-A INPUT -p udp -j one', '-A INPUT -j ACCEPT', '-A one -s 10.0.0.0/8 -j DROP'],
      options: HALVES,
    },
    {
      name: 'another mask',
      rules: ['-A INPUT -s 10.0.0.0/8 -j ACCEPT'],
      instead: ['-A INPUT -s 10.0.0.0/9 -j ACCEPT'],
    },
    {
      name: 'one port too many',
      rules: ['-A INPUT -p tcp --dport 22:80 -j ACCEPT'],
      instead: ['-A INPUT -p tcp --dport 22:81 -j ACCEPT'],
    },
    {
      name: 'an inversion that was dropped',
      rules: ['-A INPUT ! -i lo -j ACCEPT'],
      instead: ['-A INPUT -i lo -j ACCEPT'],
    },
    {
      name: 'a mask in the wrong byte order',
      rules: ['-A INPUT -s 10.1.0.3/255.255.0.255 -j ACCEPT'],
      instead: ['-A INPUT -s 10.1.0.3/255.0.255.255 -j ACCEPT'],
    },
    {
      name: 'a RETURN that was skipped',
      rules: ['-A INPUT -p udp -j one', '-A one -s 10.0.0.0/8 -j RETURN', '-A one -j ACCEPT'],
      instead: ['-A INPUT -p udp -j one', '-A one -s 10.0.0.0/8', '-A one -j ACCEPT'],
    },
    {
      name: 'a rule behind another one',
      rules: ['-A INPUT -s 192.0.2.7/32 -p udp -j ACCEPT', '-A INPUT -p udp -j DROP'],
      instead: ['-A INPUT -s 192.0.2.7/32 -p udp -j ACCEPT', '-A INPUT -p udp -j ACCEPT'],
    },
  ];
  for (const { name, rules, instead, options } of refuted) {
    it(`refutes ${name}, with a packet`, async () => {
      const dump = (lines: readonly string[]): string => filterDump(lines, 'DROP', ['one']);
      const judgement = await judge(jobOf(dump(rules), options ?? INPUT, dump(instead)));
      expect(judgement).toMatchObject({ kind: 'refuted', example: { what: 'verdict' } });
    }, 60_000);
  }

  const answering = filterDump([
    '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
    '-A INPUT -p udp -j REJECT --reject-with icmp-port-unreachable',
  ]);

  it.each([
    { name: 'another kind of answer', from: 'tcp-reset', to: 'icmp-port-unreachable' },
    { name: 'no answer', from: 'REJECT --reject-with icmp-port-unreachable', to: 'DROP' },
  ])(
    'does not prove $name',
    async ({ from, to }) => {
      expect((await judge(jobOf(answering, INPUT, answering.replace(from, to)))).kind).not.toBe('proved');
    },
    60_000,
  );

  it.each([
    { name: 'lets the packet through', from: XDP_TX, to: XDP_PASS },
    { name: 'lets packets through that get no answer', from: XDP_DROP, to: XDP_PASS },
  ])(
    'does not prove an answer that $name',
    async ({ from, to }) => {
      const job = jobOf(answering, INPUT);
      const careless = withObject(job, (spec) => ({
        ...spec,
        program: { ...spec.program, entries: spec.program.entries.map((entry) => withResult(entry, from, to)) },
      }));
      expect((await judge(careless)).kind).not.toBe('proved');
    },
    60_000,
  );

  const senseless: readonly { name: string; change: (fn: FunctionSpec) => FunctionSpec }[] = [
    {
      name: 'that asks for the route without the context',
      change: (fn) => {
        const call = fn.instructions.findIndex(({ opcode, imm }) => opcode === CALL && imm === HELPER.fib_lookup);
        const at = fn.instructions.findLastIndex(
          ({ opcode, dst }, i) => i < call && opcode === MOVE_REGISTER && dst === R1,
        );
        return replaced(fn, at, { dst: R4 });
      },
    },
    {
      name: 'with an instruction that does not exist, whose result nobody reads',
      change: (fn) => ({ ...fn, instructions: [{ ...mov64(R2, 0), opcode: 0xf7 }, ...fn.instructions] }),
    },
    {
      name: 'that writes to its stack where it is not aligned',
      change: (fn) => ({ ...fn, instructions: [storeImm(4, R10, -510, 0), ...fn.instructions] }),
    },
  ];
  it.each(senseless)('does not prove code $name', ({ change }) => {
    const job = jobOf(filterDump(['-A INPUT -p tcp --dport 80 -j ACCEPT']), INPUT);
    const careless = withObject(job, ({ program, ...spec }) => ({
      ...spec,
      program: { ...program, entries: program.entries.map((entry) => ({ ...entry, ...change(entry) })) },
    }));
    expect(prove(job).kind).toBe('proved');
    expect(prove(careless).kind).toBe('not-proved');
  });

  it('refutes a fragment check that is missing', async () => {
    const job = jobOf(filterDump(['-A INPUT -p tcp --dport 80 -j ACCEPT']), INPUT);
    const careless = withObject(job, (spec) => ({
      ...spec,
      program: { ...spec.program, functions: spec.program.functions.map(withoutFragmentChecks) },
    }));
    expect(await judge(careless)).toMatchObject({ kind: 'refuted' });
  }, 60_000);

  it('refutes a call of a chain that no rule makes, and whose result nobody reads', async () => {
    const rules = ['-A INPUT ! -s 0.0.0.0/0 -j one', '-A INPUT -p tcp -j ACCEPT', '-A one -m length --length 100:200'];
    const calling = rules.with(0, '-A INPUT -p udp -j one');
    const dump = (lines: readonly string[]): string => filterDump(lines, 'DROP', ['one']);
    const careless = withObject(jobOf(dump(rules), { ...INPUT, engine: 'linear' }, dump(calling)), (spec) => ({
      ...spec,
      program: { ...spec.program, functions: spec.program.functions.map(callingAlone) },
    }));
    expect(await judge(careless)).toMatchObject({ kind: 'refuted', example: { what: 'counters' } });
  }, 60_000);

  it('does not say "proved" of a difference that it cannot show', async () => {
    const rules = ['-A INPUT -m statistic --mode nth --every 3 --packet 0 -j ACCEPT'];
    expect(await judge(jobOf(filterDump(rules), INPUT))).toMatchObject({ kind: 'not-proved' });
  }, 60_000);
});
