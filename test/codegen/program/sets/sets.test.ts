import { describe, expect, it } from 'vitest';
import { Interpreter } from '../../../../bpf-runtime/interpreter/index.js';
import { readObject } from '../../../../codegen/object/read.js';
import { analyse, compile, type CompileOptions } from '../../../../codegen/program/index.js';
import { refusals } from '../../../../codegen/program/analysis.js';
import { entryOf } from '../../../../codegen/program/sets/contents.js';
import { parseDump } from '../../../../grammar/index.js';
import type { Family } from '../../../../grammar/model/family.js';
import type { Ruleset } from '../../../../grammar/model/ruleset.js';
import { bindSets, parseElement, parseSets } from '../../../../grammar/sets/index.js';
import { parsePacketText } from '../../../../src/packet/index.js';

function bound(rules: readonly string[], ipset: string, family: Family = 'v4'): Ruleset {
  const text = ['*filter', ':INPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
  const { ruleset, diagnostics } = parseDump(text, { family });
  const { sets, diagnostics: more } = parseSets(ipset);
  expect([...diagnostics, ...more]).toEqual([]);
  return bindSets(ruleset, sets);
}

function compiled(rules: readonly string[], ipset: string, options: Partial<CompileOptions> = {}) {
  const result = compile(bound(rules, ipset), { hook: 'xdp', chain: 'INPUT', ...options });
  if (!result.ok) throw new Error(result.diagnostics[0].message);
  return result;
}

const NOT_FORWARDED = 4;
const XDP = { 1: 'drop', 2: 'pass' } as Readonly<Record<number, string>>;

/** The object in the interpreter, at a time that the test sets. */
function machine(object: Uint8Array): {
  clock: { nanoseconds: bigint };
  interpreter: Interpreter;
  judge(source: string): string;
} {
  const clock = { nanoseconds: 1_000_000_000n };
  const interpreter = new Interpreter(readObject(object), { fib: () => NOT_FORWARDED, clock });
  const judge = (source: string): string => {
    const read = parsePacketText(`udp ${source}:1 > 192.0.2.1:53 in eth0`);
    if (!read.ok) throw new Error(read.diagnostics[0].message);
    const { result } = interpreter.run({ packet: read.text.packet.frame, context: { ingress_ifindex: 2 } });
    return XDP[result] ?? String(result);
  };
  return { clock, interpreter, judge };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('elements in maps', () => {
  it.each([
    { type: 'hash:ip', element: '10.0.0.1', key: '0a000001' },
    { type: 'hash:ip family inet6', element: '2001:db8::1', key: '20010db8000000000000000000000001' },
    { type: 'hash:net', element: '10.1.0.0/16', key: '10000000' + '0a010000' },
    { type: 'hash:ip,port', element: '10.0.0.1,udp:53', key: '00351100' + '0a000001' },
    { type: 'hash:net,port', element: '10.0.0.0/8,tcp:80', key: '28000000' + '00500600' + '0a000000' },
    { type: 'hash:ip,port,ip', element: '10.0.0.1,tcp:80,10.0.0.2', key: '00500600' + '0a000001' + '0a000002' },
    {
      type: 'hash:ip,port,net',
      element: '10.0.0.1,tcp:80,10.0.0.0/8',
      key: '48000000' + '00500600' + '0a000001' + '0a000000',
    },
    { type: 'bitmap:ip range 10.0.0.0/24', element: '10.0.0.9', key: '0a000009' },
    { type: 'bitmap:port range 0-100', element: '80', key: '00500000' },
    {
      type: 'bitmap:ip,mac range 10.0.0.0/24',
      element: '10.0.0.9,00:11:22:33:44:55',
      key: '0a000009' + '001122334455' + '0000',
    },
  ])('$type $element', ({ type, element, key }) => {
    const set = parseSets(`create a ${type}\n`).sets.get('a');
    if (set === undefined || set.type === 'other') throw new Error('no set');
    const parsed = parseElement(element, set);
    if ('error' in parsed) throw new Error(parsed.error);
    const entry = entryOf({ ...parsed.value[0], timeout: 3, nomatch: true }, set, 1_000_000_000n);
    expect(hex(entry.key)).toBe(key);
    // Four seconds, little endian; an exception.
    expect(hex(entry.value.subarray(0, 12))).toBe('00286bee00000000' + '01000000');
    // In a trie the value knows the length of its key.
    const isTrie = /[:,]net/.test(type);
    expect(hex(entry.value.subarray(12))).toBe(isTrie ? hex(entry.key.subarray(0, 4)) : '00000000');
  });
});

describe('objects with sets', () => {
  const SETS = 'create bad hash:net\nadd bad 10.0.0.0/8\nadd bad 10.1.0.0/16 nomatch\n';
  const RULES = ['-A INPUT -m set --match-set bad src -j DROP'];

  it('say what they hold, and what fills them', () => {
    const { manifest } = compiled(RULES, SETS);
    expect(manifest.sets).toEqual({ text: SETS, maps: [{ set: 'bad', map: 'set_0' }] });
    expect(manifest.needs.features).toContain('a loader that fills the IP sets');
  });

  it.each([
    { mode: 'exact' as const, verdict: 'drop' },
    { mode: 'early' as const, verdict: 'pass' },
  ])('that nobody has filled let nothing through, or drop nothing: $mode', ({ mode, verdict }) => {
    const { interpreter, judge } = machine(compiled(RULES, SETS, { mode }).object);
    expect([judge('10.0.0.1'), judge('10.1.0.1'), judge('11.0.0.1')]).toEqual(['drop', 'pass', 'pass']);
    interpreter.map('sets_ready').clear();
    expect([judge('10.0.0.1'), judge('10.1.0.1'), judge('11.0.0.1')]).toEqual([verdict, verdict, verdict]);
  });

  it('are changed in place', () => {
    const { interpreter, judge } = machine(compiled(RULES, SETS).object);
    const { sets } = interpreter;
    sets.add('bad', '11.0.0.0-11.0.0.7');
    sets.add('bad', '11.0.0.3', { nomatch: true });
    sets.delete('bad', '10.1.0.0/16');
    expect(['10.1.0.1', '11.0.0.7', '11.0.0.3', '11.0.0.8'].map(judge)).toEqual(['drop', 'drop', 'pass', 'pass']);
    expect(() => sets.add('bad', '11.0.0.0/29')).toThrow('11.0.0.0/29 is in set bad already');
    expect(() => sets.add('bad', '11.0.0.0/29', { exist: true })).not.toThrow();
    expect(() => sets.delete('bad', '12.0.0.0/8')).toThrow('12.0.0.0/8 is not in set bad');
    expect(() => sets.add('good', '12.0.0.0/8')).toThrow('the object has no set good (it has bad)');
    expect(() => sets.add('bad', '12.0.0.0/8', { timeout: 3 })).toThrow('set bad has no timeouts');
    expect(() => sets.add('bad', 'twelve')).toThrow('"twelve" is not an IPv4 address');
  });

  it('forget elements when their time is over, and then find the wider network', () => {
    const timed = [
      'create bad hash:net timeout 60',
      'add bad 10.0.0.0/8 timeout 20',
      'add bad 10.1.0.0/16 timeout 10 nomatch',
      'add bad 11.0.0.0/8 timeout 0',
      'create one hash:ip timeout 5',
      'add one 12.0.0.1',
      '',
    ].join('\n');
    const rules = [...RULES, '-A INPUT -m set --match-set one src -j DROP'];
    const { clock, interpreter, judge } = machine(compiled(rules, timed).object);
    const all = (): readonly string[] => ['10.1.0.1', '10.2.0.1', '11.0.0.1', '12.0.0.1'].map(judge);
    expect(all()).toEqual(['pass', 'drop', 'drop', 'drop']);
    clock.nanoseconds += 6_000_000_000n;
    expect(all()).toEqual(['pass', 'drop', 'drop', 'pass']);
    clock.nanoseconds += 5_000_000_000n;
    expect(all()).toEqual(['drop', 'drop', 'drop', 'pass']);
    clock.nanoseconds += 10_000_000_000n;
    expect(all()).toEqual(['pass', 'pass', 'drop', 'pass']);
    interpreter.sets.add('one', '12.0.0.1');
    expect(all()).toEqual(['pass', 'pass', 'drop', 'drop']);
  });

  it('hold a set once, whatever rules ask of it', () => {
    const rules = ['src', 'dst', 'src'].map((side) => `-A INPUT -m set --match-set bad ${side}`);
    const { spec } = compiled(rules, SETS);
    expect(spec.maps.map(({ name }) => name)).toEqual(['counters', 'sets_ready', 'set_0']);
    const functions = spec.program.functions.map(({ name }) => name).filter((name) => name.startsWith('set_'));
    expect(functions).toEqual(['set_lookup_0', 'set_lookup_1']);
  });
});

describe('tests that are refused by name', () => {
  const LEARNS = 'create a bitmap:ip,mac range 10.0.0.0/24\nadd a 10.0.0.1\n';
  const LIST = 'create b hash:ip\ncreate a list:set timeout 60\nadd a b\n';
  const IP = 'create a hash:ip counters\n';
  const COUNTING = 'create b hash:ip counters\ncreate a list:set counters\nadd a b\n';
  it.each([
    { set: '', test: 'a src', why: 'the members of set a are not known', asked: true },
    {
      set: 'create a hash:net,iface\n',
      test: 'a src,src',
      why: 'set a is of type hash:net,iface, which is not translated',
      asked: true,
    },
    { set: COUNTING, test: 'a src --packets-gt 3', why: '--packets-gt compares what the kernel counts in set a' },
    { set: LEARNS, test: 'a src,src', why: 'set a learns MAC addresses from packets', asked: true },
    { set: LEARNS, test: 'a src,dst', why: 'the destination MAC that set a is asked for is not read', asked: true },
    { set: LIST, test: 'a src', why: 'sets leave the list a when their time is over', asked: true },
  ])('$test: $why', ({ set, test, why, asked = false }) => {
    const rules = [`-A INPUT -m set --match-set ${test} -j DROP`];
    for (const hook of ['xdp', 'tc', 'netfilter'] as const) {
      const result = analyse(bound(rules, set), { hook, chain: 'INPUT' });
      if (!result.ok) throw new Error(result.diagnostics[0].message);
      // At netfilter, iptables can be asked whether a packet is in a set that stays in the kernel.
      const want = [`rule 1 of chain INPUT cannot be decided exactly at ${hook}: ${why}`];
      expect(refusals(result.analysis).map(({ message }) => message)).toEqual(
        asked && hook === 'netfilter' ? [] : want,
      );
    }
  });

  it.each([
    {
      name: 'by a list',
      rules: ['-A INPUT -m set --match-set list src -j DROP'],
      sets: 'create a hash:ip counters\ncreate list list:set\nadd list a\n',
      why: 'elements of a count packets for list list, and a rule compares them (table filter, chain INPUT, line 3)',
      line: 2,
    },
    {
      name: 'by a target',
      rules: ['COMMIT', '*mangle', ':FORWARD ACCEPT [0:0]', '-A FORWARD -j SET --map-set a src --map-mark'],
      sets: IP,
      why: 'packets change set a',
      line: 1,
    },
    {
      name: 'in a chain that another object judges',
      rules: ['-A FORWARD -m set --match-set a src -j DROP'],
      sets: IP,
      why: 'what set a counts is shared with rule 1 of chain FORWARD in table filter, which is judged elsewhere',
      line: 1,
    },
  ])('counters that are compared, where packets are counted $name', ({ rules, sets, why, line }) => {
    const all = ['-A INPUT -m set --match-set a src --packets-gt 3 -j DROP', ...rules];
    const result = analyse(bound(all, sets), { hook: 'tc', chain: 'INPUT' });
    if (!result.ok) throw new Error(result.diagnostics[0].message);
    const messages = refusals(result.analysis).map(({ message }) => message);
    expect(messages.find((message) => message.startsWith(`rule ${line} `))).toContain(why);
  });

  it('a set that packets change, and the target that changes it', () => {
    const rules = ['-A INPUT -m set --match-set a src -j DROP', '-A INPUT -j SET --add-set a src'];
    const result = analyse(bound(rules, IP), { hook: 'xdp', chain: 'INPUT' });
    if (!result.ok) throw new Error(result.diagnostics[0].message);
    expect(refusals(result.analysis).map(({ message }) => message)).toEqual([
      'rule 1 of chain INPUT cannot be decided exactly at xdp: packets change set a (table filter, chain INPUT, line 4)',
      'rule 2 of chain INPUT cannot be decided exactly at xdp: target SET is not translated: the set that it changes is kept in the kernel',
    ]);
  });
});
