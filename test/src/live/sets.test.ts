import { describe, expect, it } from 'vitest';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import { bindSets, parseSets } from '../../../grammar/sets/index.js';
import { attach } from '../../../src/live/attach.js';
import { checkObject, type CheckedObject } from '../../../src/live/object.js';
import { replace, rollback } from '../../../src/live/replace.js';
import { changeSets, listSets, parseSetChange } from '../../../src/live/sets.js';
import { able, withHost } from './support.js';

const RULES = (extra: string): string => `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m set --match-set ports dst -j DROP
-A INPUT -m set --match-set lists src -j DROP
${extra}COMMIT
`;
const SETS = `create ports bitmap:port range 0-1023
add ports 1
create nets hash:net family inet
create timed hash:ip timeout 600
create lists list:set size 8
add lists nets
add lists timed
`;

function object(extra = ''): CheckedObject {
  const text = RULES(extra);
  const ruleset = bindSets(parseDump(text, { family: 'v4' }).ruleset, parseSets(SETS).sets);
  const compiled = compile(ruleset, { hook: 'netfilter', source: text });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join('; '));
  return checkObject(compiled.object, 'test.o');
}

const ALL = Array<string>(4).fill('drop');

describe.skipIf(!able)('sets of what is attached (skipped without root, nft or iptables)', () => {
  it('change while packets come, as ipset words it', () => {
    withHost(({ base, inside, verdicts }) => {
      const change = (...lines: readonly string[]): void => {
        const changes = lines.map((line) => parseSetChange(line.split(' ')));
        inside(() => changeSets(changes, { base }));
      };
      inside(() => attach(object(), { base, devices: [] }));
      expect(inside(() => listSets({ base })).sets).toEqual(['ports', 'nets', 'timed']);
      const OPEN = ['accept', 'drop', 'accept', 'accept'];
      // Packets come from 198.51.100.7 to TCP port 22 and UDP ports 1, 2 and 3.
      expect(verdicts()).toEqual(OPEN);
      change('add ports 2-3', 'del ports 1');
      expect(verdicts()).toEqual(['accept', 'accept', 'drop', 'drop']);
      change('del ports 2-3', 'add ports 1', 'add nets 198.51.100.0/24');
      expect(verdicts()).toEqual(ALL);
      change('add nets 198.51.100.0/28 nomatch');
      expect(verdicts()).toEqual(OPEN);
      change('add timed 198.51.100.7 timeout 1');
      expect(verdicts()).toEqual(ALL);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
      expect(verdicts()).toEqual(OPEN);
      const twice = (): void => change('add ports 2', 'add ports 1', 'add ports 3');
      expect(twice).toThrow(/1 is in set ports already/);
      // What stands in front of the error stays, as with ipset restore.
      expect(verdicts()).toEqual(['accept', 'drop', 'drop', 'accept']);
      change('add ports 2 -exist', 'del ports 3 -exist', 'del ports 2');
      expect(verdicts()).toEqual(OPEN);
    });
  });

  it('are kept for the ruleset that one may go back to', () => {
    withHost(({ base, inside, verdicts }) => {
      inside(() => attach(object(), { base, devices: [] }));
      inside(() => replace(object('-A INPUT -p tcp -j DROP\n'), { base }));
      inside(() => changeSets([parseSetChange(['add', 'ports', '3'])], { base }));
      expect(verdicts()).toEqual(['drop', 'drop', 'accept', 'drop']);
      inside(() => rollback({ base }));
      expect(verdicts()).toEqual(['accept', 'drop', 'accept', 'drop']);
    });
  });

  it('refuse what they do not have', () => {
    withHost(({ base, inside }) => {
      inside(() => attach(object(), { base, devices: [] }));
      const change = (line: string) => (): void =>
        void inside(() => changeSets([parseSetChange(line.split(' '))], { base }));
      expect(change('add other 1')).toThrow(/no set other \(it has ports, nets, timed\)/);
      expect(change('add ports 1 timeout 5')).toThrow(/no timeouts/);
      expect(change('del ports 2')).toThrow(/not in set/);
      expect(change('add nets 198.51.100.300')).toThrow();
    });
  });
});

describe('a change of a set', () => {
  it.each([
    ['add a 1', { action: 'add', set: 'a', element: '1' }],
    ['add a 1 timeout 5 nomatch', { action: 'add', set: 'a', element: '1', timeout: 5, nomatch: true }],
    ['del a 1 -exist', { action: 'del', set: 'a', element: '1', exist: true }],
  ])('is read: %s', (line, want) => {
    expect(parseSetChange(line.split(' '))).toEqual(want);
  });

  it.each([
    ['flush a', /neither add/],
    ['add a', /neither add/],
    ['add a 1 comment x', /"comment" is nothing/],
    ['del a 1 timeout 3', /"timeout" is nothing/],
    ['add a 1 timeout', /whole number/],
    ['add a 1 timeout 9999999', /whole number/],
  ])('is refused: %s', (line, want) => {
    expect(() => parseSetChange(line.split(' '))).toThrow(want);
  });
});
