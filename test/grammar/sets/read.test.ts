import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { withNetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import type { IpSet } from '../../../grammar/model/ip-set.js';
import { parseSets, printSets } from '../../../grammar/sets/index.js';
import { SET_CASES } from '../../campaign/ipset/cases.js';
import { randomSets } from '../../campaign/ipset/random-sets.js';

const able = process.platform === 'linux' && process.geteuid?.() === 0 && hasCommand('ipset', ['--version']);

function read(text: string): readonly IpSet[] {
  const { sets, diagnostics } = parseSets(text);
  expect(diagnostics).toEqual([]);
  return [...sets.values()].filter((set) => set.type !== 'other');
}

describe('what ipset save prints', () => {
  it.each([
    {
      name: 'ranges, prefixes and ports are the elements that they stand for',
      text: 'create a hash:ip\nadd a 10.0.0.1-10.0.0.3\nadd a 10.0.1.0/30\n',
      have: [1n, 2n, 3n, 256n, 257n, 258n, 259n].map((host) => ({ address: 0x0a000000n + host })),
    },
    {
      name: 'addresses lose what the netmask cuts off',
      text: 'create a hash:ip netmask 24\nadd a 10.1.2.3\nadd a 10.1.2.9\nadd a 10.1.4.0/23\n',
      have: [0x0a010200n, 0x0a010400n, 0x0a010500n].map((address) => ({ address })),
    },
    {
      name: 'a range of networks is as few of them as can be',
      text: 'create a hash:net\nadd a 10.0.0.1-10.0.0.6\n',
      have: [
        { address: 0x0a000001n, prefix: 32 },
        { address: 0x0a000002n, prefix: 31 },
        { address: 0x0a000004n, prefix: 31 },
        { address: 0x0a000006n, prefix: 32 },
      ],
    },
    {
      name: 'protocols, ports and messages',
      text: 'create a hash:ip,port\nadd a 10.0.0.1,80\nadd a 10.0.0.1,udp:53-54\nadd a 10.0.0.1,icmp:echo-request\nadd a 10.0.0.1,47:0\nadd a 10.0.0.1,icmp:3/1\n',
      have: [
        { address: 0x0a000001n, protocol: 6, port: 80 },
        { address: 0x0a000001n, protocol: 17, port: 53 },
        { address: 0x0a000001n, protocol: 17, port: 54 },
        { address: 0x0a000001n, protocol: 1, port: 0x800 },
        { address: 0x0a000001n, protocol: 47, port: 0 },
        { address: 0x0a000001n, protocol: 1, port: 0x301 },
      ],
    },
    {
      name: 'an element that is given again is replaced',
      text: 'create a hash:net timeout 60\nadd a 10.0.0.0/8\nadd a 10.0.0.0/8 timeout 5 nomatch -exist\n',
      have: [{ address: 0x0a000000n, prefix: 8, timeout: 5, nomatch: true }],
    },
    {
      name: 'words behind the element',
      text: 'create a hash:ip counters comment\nadd a 10.0.0.1 packets 3 bytes 9 comment "two  words"\n',
      have: [{ address: 0x0a000001n, more: ['packets', '3', 'bytes', '9', 'comment', 'two  words'] }],
    },
    {
      name: 'names of older versions, comments, empty lines',
      text: '# saved\n\n-N a iphash\n-A a 10.0.0.1\nCOMMIT\n',
      have: [{ address: 0x0a000001n }],
    },
  ])('$name', ({ text, have }) => {
    expect(read(text)[0].members).toEqual(have);
  });

  it('a list holds its sets in order, one before another if it says so', () => {
    const text =
      'create a hash:ip\ncreate b hash:ip\ncreate c hash:mac\ncreate l list:set\nadd l a\nadd l b before a\nadd l c\n';
    const list = parseSets(text).sets.get('l');
    if (list?.type !== 'list:set') throw new Error('no list');
    expect(list.sets.map(({ name, type }) => `${name} ${type}`)).toEqual(['b hash:ip', 'a hash:ip', 'c other']);
  });

  it.each([
    { text: 'destroy a\n', have: '1:1 unknown-command: "destroy" is neither create nor add' },
    { text: 'create a\n', have: '1:1 bad-set: create needs a name and a type' },
    { text: 'create a hash:up\ncreate a hash:ip\n', have: '2:8 bad-set: there is a set "a" already' },
    { text: 'create a ip\n', have: '1:10 bad-set: "ip" is not a type of sets' },
    { text: 'create a hash:ip family inet7\n', have: '1:25 bad-set: "inet7" is not a family of sets of type hash:ip' },
    { text: 'create a hash:ip speed 3\n', have: '1:18 unknown-option: "speed" is not an option of create' },
    { text: 'create a hash:ip timeout\n', have: '1:18 bad-set: timeout needs a value' },
    { text: 'create a bitmap:ip\n', have: '1:1 bad-set: a set of type bitmap:ip needs a range' },
    { text: 'create a bitmap:ip range 10.0.0.0/8\n', have: '1:26 bad-set: a set of type bitmap:ip needs a range' },
    { text: 'add a 10.0.0.1\n', have: '1:5 unknown-set: there is no set "a" before this line' },
    {
      text: 'create a hash:ip\nadd a 10.0.0.256\n',
      have: '2:7 bad-element: "10.0.0.256" is not an IPv4 address (names are not resolved)',
    },
    {
      text: 'create a hash:net\nadd a 0.0.0.0/0\n',
      have: '2:7 bad-element: "0.0.0.0/0": networks of prefix length 0 are not allowed',
    },
    {
      text: 'create a hash:ip,port\nadd a 10.0.0.1\n',
      have: '2:7 bad-element: "10.0.0.1" is not an element of a set of type hash:ip,port',
    },
    {
      text: 'create a hash:ip,port\nadd a 10.0.0.1,gre:5\n',
      have: '2:7 bad-element: "gre:5": this protocol has no ports',
    },
    {
      text: 'create a hash:ip\nadd a 10.0.0.1 nomatch\n',
      have: '2:16 unknown-option: "nomatch" is not an option of elements of type hash:ip',
    },
    { text: 'create a hash:ip\nadd a 10.0.0.1 timeout 3\n', have: '2:24 bad-element: set "a" has no timeouts' },
    { text: 'create a bitmap:port range 0-9\nadd a 10\n', have: '2:7 bad-element: "10" is not in the set\'s range' },
    {
      text: 'create a hash:ip maxelem 1\nadd a 1.1.1.1\nadd a 1.1.1.2\n',
      have: '3:7 set-full: set "a" has no room for more than 1',
    },
    { text: 'create l list:set\nadd l x\n', have: '2:7 unknown-set: there is no set "x" before this line' },
    { text: 'create a hash:ip comment\nadd a 1.1.1.1 comment "x\n', have: '2:1 bad-quotes: a quote is not closed' },
    { text: 'create a hash:ip\nadd a 10.0.0.0/8\n', have: '2:7 bad-element: "10.0.0.0/8" is too many elements' },
  ])('$have', ({ text, have }) => {
    const told = parseSets(text, { file: 'x' }).diagnostics.map(
      ({ line, column, code, message, file }) => `${file === 'x' ? '' : '?'}${line}:${column} ${code}: ${message}`,
    );
    expect(told).toEqual([have]);
  });

  it('printed, it reads as the same sets', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1 << 30 }),
        fc.constantFrom('v4' as const, 'v6' as const),
        (seed, family) => {
          const text = printSets(read(randomSets(seed, family).ipset));
          expect(printSets(read(text))).toBe(text);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe.skipIf(!able)('beside ipset itself (skipped without root or ipset)', () => {
  const cases = [
    ...SET_CASES.map(({ family, ipset }) => ({ name: `cases, ${family}`, ipset })),
    ...Array.from({ length: 8 }, (_, seed) => {
      const family = seed % 2 === 0 ? 'v4' : 'v6';
      return { name: `random sets, seed ${seed}`, ipset: randomSets(seed, family).ipset };
    }),
  ];
  it.each(cases)('$name: what it saves is read, and printed as it was', ({ ipset }) => {
    const saved = withNetworkNamespace(() => {
      run('ipset', ['restore'], ipset);
      return run('ipset', ['save']);
    });
    expect(printSets(read(saved))).toBe(saved);
  });

  it.each(cases)('$name: what we read is what it has', ({ ipset }) => {
    const [given, printed] = [ipset, printSets(read(ipset))].map((text) =>
      withNetworkNamespace(() => {
        run('ipset', ['restore'], text);
        return run('ipset', ['save', '-sorted'])
          .replace(/ initval \S+/g, '')
          .replace(/ timeout [1-9]\d*/g, ' timeout n');
      }),
    );
    expect(printed).toBe(given);
  });
});
