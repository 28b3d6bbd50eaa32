import { describe, expect, it } from 'vitest';
import { CLASS, JMP_OP, R10, R9, SOURCE_X } from '../../../codegen/bytecode/instruction.js';
import type { FunctionSpec, ObjectSpec } from '../../../codegen/object/spec.js';
import { IPV6_HEADERS } from '../../../codegen/program/packet/ipv6-headers.js';
import { NOTE, NOTE_SLOT } from '../../../codegen/program/netfilter/notes.js';
import { VERDICT } from '../../../codegen/program/verdict.js';
import { judge } from '../../../src/prove/judge.js';
import { prove } from '../../../src/prove/prove.js';
import { replaced, withFunction, withImmediate } from './changes.js';
import { filterDump, jobOf, withObject, type JobOptions } from './support.js';

const INPUT: JobOptions = { hook: 'netfilter', chain: 'INPUT' };
const INPUT6: JobOptions = { ...INPUT, family: 'v6' };
const FORWARD: JobOptions = { ...INPUT, chain: 'FORWARD' };
const TC_OUTPUT: JobOptions = { hook: 'tc', chain: 'OUTPUT' };

interface Proved {
  readonly name: string;
  readonly rules: readonly string[];
  readonly options?: JobOptions;
}

const STATES = ['-A INPUT -m conntrack --ctstate ESTABLISHED,DNAT -j ACCEPT', '-A INPUT -m state --state INVALID'];
const ANSWERS = ['-A INPUT -p tcp -j REJECT --reject-with tcp-reset', '-A INPUT -p udp -j REJECT'];
const LIMITS = ['-A INPUT -p tcp -m limit --limit 5/min -j ACCEPT', '-A INPUT -p udp -m limit --limit 9/min -j LOG'];
const LISTS = [
  '-A INPUT -p tcp -m recent --name a --set',
  '-A INPUT -p tcp -m recent --name a --update --seconds 60 --hitcount 4 -j DROP',
];
const OUTPUT: JobOptions = { ...INPUT, chain: 'OUTPUT' };
const OWNERS = [
  '-A OUTPUT -m owner --socket-exists -p udp',
  '-A OUTPUT -m owner --uid-owner 1000-1999 ! --gid-owner 5 -j ACCEPT',
  '-A OUTPUT -p tcp -m owner ! --socket-exists -j DROP',
];
const PORTS6 = ['-A INPUT -s 2001:db8::/32 -p tcp --dport 22 -j ACCEPT', '-A INPUT -i eth0 -p ipv6-icmp -j DROP'];

describe('objects for netfilter', () => {
  const proved: readonly Proved[] = [
    { name: 'no rule', rules: [] },
    { name: 'connection states', rules: STATES },
    { name: 'answers', rules: ANSWERS },
    { name: 'limits and log', rules: LIMITS },
    { name: 'lists of addresses', rules: LISTS },
    {
      name: 'hashlimit',
      rules: ['-A INPUT -m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip --hashlimit-name z -j ACCEPT'],
    },
    { name: 'marks', rules: ['-A INPUT -p tcp -j MARK --set-mark 5', '-A INPUT -m mark --mark 5 -j ACCEPT'] },
    {
      name: 'devices and types of addresses',
      rules: ['-A FORWARD -i eth0 -o eth1 -m ttl --ttl-lt 5', '-A FORWARD -m addrtype --dst-type LOCAL -j DROP'],
      options: FORWARD,
    },
    { name: 'owners', rules: OWNERS, options: OUTPUT },
    { name: 'IPv6', rules: PORTS6, options: INPUT6 },
    {
      name: 'fields that begin with the same byte of the packet: the source port, logged, and the type of ICMP',
      rules: ['-A INPUT -s 192.0.2.0/24 -j LOG', '-A INPUT -p icmp -m icmp --icmp-type 3 -j ACCEPT'],
    },
    {
      name: 'states at tc egress',
      rules: ['-A OUTPUT -m conntrack --ctstate NEW,DNAT -j ACCEPT'],
      options: TC_OUTPUT,
    },
  ];
  it.each(proved)(
    'proves $name',
    async ({ rules, options }) => {
      expect(await judge(jobOf(filterDump(rules), options ?? INPUT))).toMatchObject({ kind: 'proved' });
    },
    60_000,
  );

  const refuted: readonly (Proved & { readonly instead: readonly string[]; readonly what: string })[] = [
    {
      name: 'another state',
      rules: STATES,
      instead: [STATES[0].replace('ESTABLISHED', 'RELATED'), STATES[1]],
      what: 'verdict',
    },
    {
      name: 'mappings that are not asked for',
      rules: STATES,
      instead: [STATES[0].replace('DNAT', 'SNAT'), STATES[1]],
      what: 'verdict',
    },
    {
      name: 'a port of IPv6 that is off by one',
      rules: PORTS6,
      instead: [PORTS6[0].replace('22', '23'), PORTS6[1]],
      options: INPUT6,
      what: 'verdict',
    },
    {
      name: 'a prefix of IPv6 that is too short',
      rules: PORTS6,
      instead: [PORTS6[0].replace('/32', '/31'), PORTS6[1]],
      options: INPUT6,
      what: 'verdict',
    },
    {
      name: 'the state of what leaves',
      rules: ['-A OUTPUT -m conntrack --ctstate NEW -j ACCEPT'],
      instead: ['-A OUTPUT -m conntrack --ctstate NEW,INVALID -j ACCEPT'],
      options: TC_OUTPUT,
      what: 'verdict',
    },
    {
      name: 'input and output turned round',
      rules: ['-A FORWARD -i eth0 -o eth1 -j ACCEPT'],
      instead: ['-A FORWARD -i eth1 -o eth0 -j ACCEPT'],
      options: FORWARD,
      what: 'verdict',
    },
  ];
  it.each(refuted)(
    'refutes $name, with a packet',
    async ({ rules, instead, options, what }) => {
      const judgement = await judge(jobOf(filterDump(rules), options ?? INPUT, filterDump(instead)));
      expect(judgement).toMatchObject({ kind: 'refuted', example: { what } });
    },
    60_000,
  );

  const wrong: readonly (Proved & { readonly instead: readonly string[] })[] = [
    {
      name: 'a limit that more packets take from',
      rules: LIMITS,
      instead: [LIMITS[0].replace('-p tcp ', ''), LIMITS[1]],
    },
    { name: 'a limit that is not asked', rules: LIMITS, instead: ['-A INPUT -p tcp -j ACCEPT', LIMITS[1]] },
    { name: 'a packet that is not logged', rules: LIMITS, instead: [LIMITS[0], LIMITS[1].replace(' -j LOG', '')] },
    { name: 'two tests of a list in another order', rules: LISTS, instead: [...LISTS].reverse() },
    {
      name: 'another kind of answer',
      rules: ANSWERS,
      instead: [ANSWERS[0], `${ANSWERS[1]} --reject-with icmp-net-prohibited`],
    },
    ...[
      ['another user', '1999', '1998'],
      ['a group that is turned round', '! --gid', '--gid'],
      ['a socket that is there where it should not be', '-p tcp -m owner !', '-p tcp -m owner'],
    ].map(([name, from, to]) => ({
      name,
      rules: OWNERS,
      instead: OWNERS.map((rule) => rule.replace(from, to)),
      options: OUTPUT,
    })),
    { name: 'no answer', rules: ANSWERS, instead: [ANSWERS[0], '-A INPUT -p udp -j DROP'] },
  ];
  it.each(wrong)(
    'does not prove $name',
    ({ rules, instead, options }) => {
      expect(prove(jobOf(filterDump(rules), options ?? INPUT, filterDump(instead))).kind).not.toBe('proved');
    },
    60_000,
  );

  const changed: readonly (Proved & { change(spec: ObjectSpec): ObjectSpec })[] = [
    {
      name: 'a later fragment that is taken for a first one',
      rules: PORTS6,
      options: INPUT6,
      change: (spec) => withFunction(spec, IPV6_HEADERS, (fn) => withImmediate(fn, 0xfff8n, 0x7ff8n)),
    },
    {
      name: 'an authentication header of the wrong length',
      rules: PORTS6,
      options: INPUT6,
      change: (spec) => withFunction(spec, IPV6_HEADERS, (fn) => withSecond(fn, 2n, 1n)),
    },
    {
      name: 'a header that is read without a question where it lies',
      rules: ['-A INPUT -p tcp --dport 22 -j ACCEPT'],
      change: (spec) => withFunction(spec, 'ipt2bpf_input', (fn) => withLessAsked(fn, 0)),
    },
    {
      name: 'a port that is read where one byte of it may lie elsewhere',
      rules: ['-A INPUT -p tcp --dport 22 -j ACCEPT'],
      change: (spec) => withFunction(spec, 'ipt2bpf_input', (fn) => withLessAsked(fn, 1)),
    },
    {
      name: 'the port of IPv6 that is read where one byte of it may lie elsewhere',
      rules: PORTS6,
      options: INPUT6,
      change: (spec) => withFunction(spec, 'ipt2bpf_input', (fn) => withLessAsked(fn, 1)),
    },
    {
      name: 'a note that is never written',
      rules: ANSWERS,
      change: (spec) => withFunction(spec, 'ipt2bpf_input', (fn) => withoutNotes(fn)),
    },
    ...owners([
      ['a socket in TIME_WAIT that has an owner', (fn) => withJump(fn, JMP_OP.jeq, TCP_TIME_WAIT, { imm: 7n })],
      [
        'a request that does not stand for its listener',
        (fn) => withJump(fn, JMP_OP.jne, TCP_NEW_SYN_RECV, { imm: 11n }),
      ],
      ['a request that is a socket of its own', (fn) => withMember(fn, '__sk_common.skc_listener', 'sk_socket')],
      ['a socket of another namespace', (fn) => withLast(fn, JMP_OP.jne, R9)],
      ['a user that is the group', (fn) => withMember(fn, 'fsuid.val', 'fsgid.val')],
      ['a socket without a file that has one', (fn) => withSocketBits(fn, 1, 3)],
      ['a file that is not noticed', (fn) => withSocketBits(fn, 3, 1)],
    ]),
    {
      name: 'a limit that is turned round',
      rules: LIMITS,
      change: (spec) => withFunction(spec, 'chain_0', (fn) => withTurnedLimit(fn)),
    },
  ];
  it.each(changed)(
    'does not prove $name',
    ({ rules, options, change }) => {
      const job = jobOf(filterDump(rules), options ?? INPUT);
      expect(prove(withObject(job, change)).kind).not.toBe('proved');
    },
    60_000,
  );
});

type Change = (fn: FunctionSpec) => FunctionSpec;

/** Changes of the code that finds the owner of a packet. */
function owners(
  changes: readonly (readonly [string, Change])[],
): readonly (Proved & { change(spec: ObjectSpec): ObjectSpec })[] {
  return changes.map(([name, change]) => ({
    name,
    rules: OWNERS,
    options: OUTPUT,
    change: (spec) => withFunction(spec, 'ipt2bpf_output', change),
  }));
}

/** include/net/tcp_states.h. */
const TCP_TIME_WAIT = 6;
const TCP_NEW_SYN_RECV = 12;

/** The first jump of 32 bits of that kind that compares with a number. */
function withJump(fn: FunctionSpec, operation: number, number: number, change: { readonly imm: bigint }): FunctionSpec {
  const at = fn.instructions.findIndex(
    ({ opcode, imm }) => opcode === (CLASS.JMP32 | operation) && BigInt(imm) === BigInt(number),
  );
  return replaced(fn, at, change);
}

/** The jump that compares with a register never jumps: it compares this one with itself. */
function withLast(fn: FunctionSpec, operation: number, register: number): FunctionSpec {
  const at = fn.instructions.findIndex(
    ({ opcode, src }) => opcode === (CLASS.JMP | operation | SOURCE_X) && src === register,
  );
  return replaced(fn, at, { dst: register });
}

/** Another member of a kernel struct is read. */
function withMember(fn: FunctionSpec, from: string, to: string): FunctionSpec {
  const at = fn.instructions.findIndex(
    ({ reference }) => reference?.kind === 'field-offset' && reference.member === from,
  );
  const reference = fn.instructions[at]?.reference;
  if (reference?.kind !== 'field-offset') throw new Error(`${from} is not read`);
  return replaced(fn, at, { reference: { ...reference, member: to } });
}

/** What is noted of the socket. */
function withSocketBits(fn: FunctionSpec, from: number, to: number): FunctionSpec {
  const isStore = (opcode: number): boolean => (opcode & 7) === CLASS.ST;
  const at = fn.instructions.findIndex(({ opcode, dst, imm }) => isStore(opcode) && dst === R10 && imm === from);
  return replaced(fn, at, { imm: to });
}

/** The addition of a constant in the code for authentication headers, which is the second of its kind. */
function withSecond(fn: FunctionSpec, from: bigint, to: bigint): FunctionSpec {
  const adds = fn.instructions.flatMap(({ opcode, imm, dst }, i) =>
    opcode === (CLASS.ALU64 | 0) && dst === 2 && BigInt(imm) === from ? [i] : [],
  );
  return replaced(fn, adds[adds.length - 1] ?? -1, { imm: to });
}

/** Of the questions how much of the packet lies in one piece, one is content with a byte less. */
function withLessAsked(fn: FunctionSpec, which: number): FunctionSpec {
  const asked = fn.instructions.flatMap(({ opcode }, i) => (opcode === (CLASS.JMP | JMP_OP.jslt) ? [i] : []));
  const at = asked[which] ?? -1;
  return replaced(fn, at, { imm: Number(fn.instructions[at]?.imm) - 1 });
}

/** The code of a note is written as that of an accepted packet. */
function withoutNotes(fn: FunctionSpec): FunctionSpec {
  const at = fn.instructions.findLastIndex(
    ({ opcode, dst, offset }) => (opcode & 7) === CLASS.STX && dst === 10 && offset === NOTE_SLOT + NOTE.code,
  );
  return replaced(fn, at, { opcode: (fn.instructions[at]?.opcode ?? 0) - 1, src: 0, imm: VERDICT.ACCEPT });
}

/** The last decision of a limit takes its other way. */
function withTurnedLimit(fn: FunctionSpec): FunctionSpec {
  const at = fn.instructions.findIndex(
    ({ opcode, dst, imm }) => opcode === (CLASS.JMP | 0x10) && dst === 5 && imm === 0,
  );
  return replaced(fn, at, { opcode: CLASS.JMP | 0x50 });
}
