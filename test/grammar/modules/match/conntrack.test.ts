import { describe, expect, it } from 'vitest';
import { opaqueTests } from '../../../../grammar/model/condition-parts.js';
import type { Opaque } from '../../../../grammar/model/condition.js';
import { conntrack } from '../../../../grammar/modules/match/conntrack.js';
import { state } from '../../../../grammar/modules/match/state.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, PLAIN, PLAIN_V6, type Answer } from '../support.js';

testRows(conntrack, [
  ...rows(
    PLAIN,
    ['--ctstate ESTABLISHED,RELATED', '--ctstate RELATED,ESTABLISHED'],
    ['! --ctstate new,inv', '! --ctstate INVALID,NEW'],
    ['--ctstate DNAT,SNAT,U', '--ctstate UNTRACKED,SNAT,DNAT'],
    ['--ctstate NEW,'],
    ['--ctstate ,NEW'],
    ['--ctstate NEWER'],
    [['--ctstate', '']],
    ['--ctproto tcp ! --ctstate NEW', '! --ctstate NEW --ctproto 6'],
    ['! --ctproto 17', '! --ctproto 17'],
    ['--ctproto nothing'],
    ['--ctorigsrc 10.1.2.3/8', '--ctorigsrc 10.1.2.3/8'],
    ['--ctorigsrc 10.1', '--ctorigsrc 10.0.0.1'],
    ['--ctorigsrc 1.1.1.1/255.255.0.0', '--ctorigsrc 1.1.1.1/16'],
    ['! --ctreplsrc 1.1.1.1/32 --ctrepldst 2.2.2.2', '! --ctreplsrc 1.1.1.1 --ctrepldst 2.2.2.2'],
    ['--ctorigdst 1.1.1.256'],
    ['--ctorigdst ::1'],
    ['--ctorigsrcport -4294967291', '--ctorigsrcport 5'],
    ['--ctorigsrcport : --ctorigdstport 4:', '--ctorigsrcport 0:65535 --ctorigdstport 4:65535'],
    ['--ctreplsrcport http ! --ctrepldstport 3:4', '--ctreplsrcport 80 ! --ctrepldstport 3:4'],
    ['--ctstatus ASSURED,expected', '--ctstatus EXPECTED,ASSURED'],
    ['--ctstatus NONE', '--ctstatus NONE'],
    ['--ctstatus NONE,CONF,SEEN_REPLY', '--ctstatus SEEN_REPLY,CONFIRMED'],
    ['--ctstatus WRONG'],
    ['--ctexpire 10', '--ctexpire 10'],
    ['! --ctexpire 10:', '! --ctexpire 10:4294967295'],
    ['--ctexpire 3:3', '--ctexpire 3'],
    ['--ctexpire 4294967296'],
    ['--ctdir reply', '--ctdir REPLY'],
    ['! --ctdir REPLY'],
    ['--ctdir REP'],
    [''],
  ),
  ...rows(PLAIN_V6, ['--ctorigsrc 2001:DB8::/32', '--ctorigsrc 2001:db8::/32'], ['--ctorigsrc 1.2.3.4']),
  ...[
    { words: '--ctproto 0' },
    { words: '--ctorigsrc 1.1.1.1/255.0.255.0', want: '--ctorigsrc 1.1.1.1/255.0.255.0' },
    { words: '--ctorigsrcport 4:3' },
    { words: '--ctorigsrc 1.1.1.1/33', want: '--ctorigsrc 1.1.1.1/0.0.0.33' },
    { words: '--ctorigsrc 1.1.1.1/0.0.0.0', want: '--ctorigsrc 1.1.1.1/0' },
  ].map((row) => ({ ...row, newer: true as const })),
]);

testRows(
  state,
  rows(
    PLAIN,
    ['--state ESTABLISHED,RELATED', '--state RELATED,ESTABLISHED'],
    ['! --state new', '! --state NEW'],
    ['--state UNTRACKED,INVALID,NEW', '--state INVALID,NEW,UNTRACKED'],
    ['--state SNAT'],
    [''],
  ),
);

describe('condition of conntrack', () => {
  /** A packet with a state, and an entry to which every other test says yes or no. */
  const asked =
    (name: string, entry: boolean) =>
    (test: Opaque): boolean =>
      test.name === 'ctstate' ? test.states.some((known) => known === name) : entry;

  it.each<{ words: string; packet: string; entry: boolean; want: Answer }>([
    { words: '--ctstate NEW', packet: 'NEW', entry: false, want: 'yes' },
    { words: '! --ctstate NEW', packet: 'NEW', entry: false, want: 'no' },
    { words: '! --ctstate NEW', packet: 'INVALID', entry: false, want: 'yes' },
    { words: '--ctproto 6', packet: 'NEW', entry: true, want: 'yes' },
    { words: '--ctproto 6', packet: 'INVALID', entry: false, want: 'no' },
    { words: '--ctstate NEW --ctproto 6', packet: 'NEW', entry: false, want: 'no' },
    { words: '--ctstate NEW --ctproto 6', packet: 'NEW', entry: true, want: 'yes' },
    // Without an entry the state alone decides.
    { words: '--ctstate INVALID --ctproto 6', packet: 'INVALID', entry: false, want: 'yes' },
    { words: '! --ctstate NEW ! --ctproto 6', packet: 'UNTRACKED', entry: false, want: 'yes' },
    { words: '--ctstate NEW --ctproto 6', packet: 'INVALID', entry: true, want: 'no' },
  ])('$words on $packet: $want', ({ words, packet, entry, want }) => {
    expect(evaluate(conditionOf(conntrack, words, PLAIN), {}, asked(packet, entry))).toBe(want);
  });

  it('keeps the words of the tests on the entry, inversion included', () => {
    const tests = opaqueTests(conditionOf(conntrack, '--ctdir REPLY ! --ctproto udp', PLAIN));
    expect(tests).toEqual([{ name: 'conntrack', words: ['!', '--ctproto', '17', '--ctdir', 'REPLY'] }]);
  });

  it('says the states of -m state', () => {
    const tests = opaqueTests(conditionOf(state, '! --state NEW,RELATED', PLAIN));
    expect(tests).toEqual([{ name: 'ctstate', states: ['NEW', 'RELATED'] }]);
  });
});
