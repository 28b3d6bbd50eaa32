import { describe, expect, it } from 'vitest';
import { instrument, NotPlainError } from '../../../bpf-runtime/iptables/instrument.js';
import { readTables } from '../../../bpf-runtime/iptables/ruleset-text.js';
import { findRuleTarget, splitWords } from '../../../bpf-runtime/iptables/words.js';

describe('words of a rule', () => {
  it.each([
    ['-A  INPUT -j ACCEPT ', ['-A', 'INPUT', '-j', 'ACCEPT']],
    ['-m comment --comment "a \\"b\\" \\\\ c" -j X', ['-m', 'comment', '--comment', 'a "b" \\ c', '-j', 'X']],
    ["--log-prefix 'a b'", ['--log-prefix', "'a", "b'"]],
    ['--comment "" -j X', ['--comment', '', '-j', 'X']],
  ])('%s', (line, want) => {
    expect(splitWords(line).map(({ text }) => text)).toEqual(want);
  });

  it.each([
    ['-A I -j DROP', 'DROP', false],
    ['-A I --goto web', 'web', true],
    ['-A I -m comment --comment -j -j DROP', 'DROP', false],
    ['-A I -m comment --comment "-g x" --ju ACCEPT', 'ACCEPT', false],
    ['-A I -p tcp', undefined, undefined],
  ])('target of %s', (line, name, goto) => {
    const target = findRuleTarget(splitWords(line));
    expect([target?.name, target?.goto]).toEqual([name, goto]);
  });
});

/** The instrumented rules of chain and helpers, for a table of one built-in chain. */
function rewrite(rules: string, chains = ''): readonly string[] {
  const [table] = readTables(`*filter\n:INPUT DROP [1:2]\n${chains}${rules}\nCOMMIT\n`);
  return instrument(table, 'INPUT', 9)
    .text.split('\n')
    .filter((line) => line.startsWith('-A') && !line.includes('--nflog-prefix 0'))
    .map((line) => line.replace(/-j NFLOG --nflog-group 9 --nflog-prefix (\d+)/, 'log $1'));
}

describe('instrumented tables', () => {
  it.each([
    ['a policy alone', '-A INPUT -p tcp', '', ['-A INPUT -p tcp', '-A INPUT log 1']],
    [
      'a verdict, options after it',
      '[1:2] -A INPUT -j ACCEPT -p tcp  --dport 22 ',
      '',
      ['-A INPUT -g judged-1  -p tcp  --dport 22', '-A INPUT log 2', '-A judged-1 log 1', '-A judged-1 -j ACCEPT'],
    ],
    [
      'REJECT with its type',
      '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
      '',
      [
        '-A INPUT -p tcp -g judged-1',
        '-A INPUT log 2',
        '-A judged-1 log 1',
        '-A judged-1 -p tcp -j REJECT --reject-with tcp-reset',
      ],
    ],
    [
      'RETURN and goto out of the built-in chain',
      '-A INPUT -j RETURN\n-A INPUT -g U\n-A U -j RETURN\n-A U -g U2',
      ':U - [0:0]\n:U2 - [0:0]\n',
      [
        '-A INPUT -g judged-1',
        '-A INPUT -g judged-2',
        '-A U -j RETURN',
        '-A U -g U2',
        '-A INPUT log 1',
        '-A judged-1 log 1',
        '-A judged-2 -j U',
        '-A judged-2 log 1',
      ],
    ],
    [
      'a target that goes on',
      '-A INPUT -j LOG --log-prefix "-j DROP"',
      '',
      ['-A INPUT -j LOG --log-prefix "-j DROP"', '-A INPUT log 1'],
    ],
    ['a chain nobody comes to', '-A U -j DROP', ':U - [0:0]\n', ['-A U -j DROP', '-A INPUT log 1']],
    [
      'a name that is taken',
      '-A judged-1 -j DROP\n-A INPUT -j DROP',
      ':judged-1 - [0:0]\n',
      ['-A judged-1 -j DROP', '-A INPUT -g judged~1', '-A INPUT log 2', '-A judged~1 log 1', '-A judged~1 -j DROP'],
    ],
  ])('%s', (_name, rules, chains, want) => {
    expect(rewrite(rules, chains)).toEqual(want);
  });

  it.each(['-I INPUT -j DROP', '-A INPUT -s 10.0.0.1,10.0.0.2 -j DROP', '-A INPUT -6 -j DROP'])(
    'does not take its text for %s',
    (rule) => {
      expect(() => rewrite(rule)).toThrow(NotPlainError);
    },
  );

  it('takes lists that are one rule', () => {
    const rule = '-A INPUT -p tcp -m multiport --dports 1,2 -m state --state NEW,ESTABLISHED';
    expect(rewrite(rule)[0]).toBe(rule);
  });
});
