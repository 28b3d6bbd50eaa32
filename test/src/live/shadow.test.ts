import { describe, expect, it } from 'vitest';
import { run } from '../../../bpf-runtime/system/command.js';
import { pause } from '../../../bpf-runtime/system/pause.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { attach } from '../../../src/live/attach.js';
import { detach, replace } from '../../../src/live/replace.js';
import { agrees, differenceText, type Comparison } from '../../../src/live/shadow.js';
import { readStatus } from '../../../src/live/status.js';
import { able, objectOf, ownRules, pinned, withHost, type LiveHost } from './support.js';

const dump = (policy: string, ...rules: readonly string[]): string =>
  ['*filter', `:INPUT ${policy} [0:0]`, ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );
const REJECTING = dump(
  'DROP',
  '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
  '-A INPUT -p udp -m udp --dport 2 -j ACCEPT',
);
/** To ports tcp 22, udp 1, 2 and 3. */
const BY_IPTABLES = ['reject', 'drop', 'accept', 'drop'];

/** Attaches programs that compare with what iptables has loaded. */
function compare({ base, inside, verdicts }: LiveHost, programs: string, iptables = REJECTING): Comparison {
  inside(() => run('iptables-restore', ['-w', '60'], iptables));
  inside(() => attach(objectOf(programs, { shadow: true }), { base, devices: [] }));
  expect(verdicts()).toEqual(BY_IPTABLES);
  // A note that is younger may be of a packet on its way.
  pause(1100);
  const { deployments } = readStatus(base);
  expect(deployments).toMatchObject([{ state: 'shadow' }]);
  const [{ comparison }] = deployments;
  if (comparison === undefined) throw new Error('nothing was compared');
  return comparison;
}

const input = ({ chains }: Comparison): unknown => chains.find(({ chain }) => chain === 'INPUT');

describe.skipIf(!able)('programs beside iptables (skipped without root, nft or iptables)', () => {
  it('agree with it on the same rules, and decide nothing', () => {
    withHost((live) => {
      const comparison = compare(live, REJECTING);
      expect(input(comparison)).toEqual({
        chain: 'INPUT',
        bothAccept: 1n,
        bothDrop: 3n,
        onlyProgramsAccept: 0n,
        onlyIptablesAccepts: 0n,
        notCompared: 0n,
      });
      expect(comparison.examples).toEqual([]);
      expect(agrees(comparison)).toBe(true);
      const { base, inside } = live;
      expect(inside(ownRules)).toEqual([]);
      inside(() => detach({ base }));
      expect(pinned(base)).toEqual([]);
    });
  });

  it('show the packets on which they differ', () => {
    withHost((live) => {
      // Port 3 would be let in, port 2 kept out.
      const other = dump('DROP', '-A INPUT -p udp -m udp --dport 3 -j ACCEPT');
      const comparison = compare(live, other);
      expect(input(comparison)).toMatchObject({
        bothAccept: 0n,
        bothDrop: 2n,
        onlyProgramsAccept: 1n,
        onlyIptablesAccepts: 1n,
      });
      expect(agrees(comparison)).toBe(false);
      expect(comparison.examples.map((one) => [one.chain, one.iptables, differenceText(one)])).toEqual([
        ['INPUT', 'accepts', expect.stringMatching(/^udp \S+:1000 > \S+:2\b.* in \S+$/)],
        ['INPUT', 'drops', expect.stringMatching(/^udp \S+:1000 > \S+:3\b.* in \S+$/)],
      ]);
    });
  });

  it('take no place of programs that judge, nor these theirs', () => {
    withHost(({ base, inside, verdicts }) => {
      const [judge, shadow] = [objectOf(REJECTING), objectOf(REJECTING, { shadow: true })];
      inside(() => attach(shadow, { base, devices: [] }));
      expect(() => inside(() => replace(judge, { base }))).toThrow(RuntimeError);
      inside(() => replace(shadow, { base }));
      expect(verdicts()).toEqual(['accept', 'accept', 'accept', 'accept']);
      expect(readStatus(base).deployments[0].comparison?.chains[0]).toMatchObject({ onlyIptablesAccepts: 3n });
      inside(() => detach({ base }));
      inside(() => attach(judge, { base, devices: [] }));
      expect(() => inside(() => replace(shadow, { base }))).toThrow(RuntimeError);
    });
  });
});
