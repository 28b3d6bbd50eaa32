import { mkdirSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { pause } from '../../../bpf-runtime/system/pause.js';
import { NetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { attach } from '../../../src/live/attach.js';
import { confirm, detach, replace, rollback } from '../../../src/live/replace.js';
import { readStatus } from '../../../src/live/status.js';
import { able, clear, codeOf, objectOf, ownPins, ownRules, pinned, withHost, type LiveHost } from './support.js';

const dump = (policy: string, ...rules: readonly string[]): string =>
  ['*filter', `:INPUT ${policy} [0:0]`, ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );

const RESET = '-A INPUT -p tcp -j REJECT --reject-with tcp-reset';
const UNREACHABLE = '-A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp-port-unreachable';
const OPEN = '-A INPUT -p udp -m udp --dport 2 -j ACCEPT';
const STRICT = dump('DROP', RESET, UNREACHABLE, OPEN);
const LAX = dump('ACCEPT', OPEN, '-A INPUT -p udp -m udp --dport 3 -j DROP');
const COUNTING = dump(
  'ACCEPT',
  '-A INPUT -m rateest --rateest seen --rateest-gt --rateest-pps 4000000 -j DROP',
  '-A INPUT -p udp -m connlimit --connlimit-above 2 --connlimit-mask 0 -j DROP',
  '-A OUTPUT -j RATEEST --rateest-name seen --rateest-interval 250ms --rateest-ewmalog 500ms',
);
const EVERYTHING = ['accept', 'accept', 'accept', 'accept'];
const BY_STRICT = ['reject', 'reject', 'accept', 'drop'];
const BY_LAX = ['accept', 'accept', 'accept', 'drop'];

/** Packets that each counter of the one deployment has counted, by rule or chain. */
function counted({ base }: LiveHost): Readonly<Record<string, number>> {
  const [{ manifest, counters }] = readStatus(base).deployments;
  return Object.fromEntries(
    manifest.counters.map((entry, i) => [
      entry.kind === 'rule' ? entry.text : entry.chain,
      Number(counters[i].packets),
    ]),
  );
}

afterEach(() => expect(pinned('/sys/fs/bpf').filter((name) => name.includes(`live-test-${process.pid}`))).toEqual([]));

describe.skipIf(!able)('a network namespace (skipped without root, nft or iptables)', () => {
  it('that nobody can enter any more keeps nothing from being detached', () => {
    const base = ownPins();
    const namespace = NetworkNamespace.create();
    const told = (): string => {
      try {
        detach({ base });
        return 'detached';
      } catch (error) {
        return error instanceof RuntimeError ? error.message.replace(/\[\d+\]|\d+/g, 'N') : String(error);
      }
    };
    namespace.run(() => attach(objectOf(STRICT), { base, devices: [] }));
    expect(told()).toBe('filter-vN is attached in another network namespace (net:N): nsenter --net=/proc/N/fd/N');
    namespace.close();
    expect(told()).toBe('detached');
    expect(pinned(base)).toEqual([]);
    clear(base);
  });
});

describe.skipIf(!able)('a ruleset at netfilter hooks (skipped without root, nft or iptables)', () => {
  it('is attached, and detached without a trace', () => {
    withHost((live) => {
      const { base, inside, verdicts } = live;
      inside(() => attach(objectOf(STRICT), { base, devices: [] }));
      expect(verdicts()).toEqual(BY_STRICT);
      expect(counted(live)).toMatchObject({ [RESET]: 1, [UNREACHABLE]: 1, [OPEN]: 1, INPUT: 1 });
      inside(() => detach({ base }));
      expect(verdicts()).toEqual(EVERYTHING);
      expect(pinned(base)).toEqual([]);
      expect(inside(ownRules)).toEqual([]);
    });
  });

  it('is pinned for root alone, whatever umask says', () => {
    withHost(({ base, inside }) => {
      const before = process.umask(0);
      try {
        inside(() => attach(objectOf(STRICT), { base, devices: [] }));
        inside(() => replace(objectOf(LAX), { base, confirm: 60 }));
      } finally {
        process.umask(before);
      }
      const all = [base, ...readdirSync(base, { recursive: true, encoding: 'utf8' }).map((name) => join(base, name))];
      expect(all.length).toBeGreaterThan(20);
      expect(all.filter((path) => (statSync(path).mode & 0o077) !== 0 || statSync(path).uid !== 0)).toEqual([]);
    });
  });

  it('is replaced by another; rules that stay keep their counters', () => {
    withHost((live) => {
      const { base, inside, verdicts } = live;
      inside(() => attach(objectOf(STRICT), { base, devices: [] }));
      verdicts();
      inside(() => replace(objectOf(LAX), { base }));
      expect(counted(live)).toMatchObject({ [OPEN]: 1, INPUT: 0 });
      expect(verdicts()).toEqual(BY_LAX);
      expect(counted(live)).toMatchObject({ [OPEN]: 2, INPUT: 2 });
      inside(() => replace(objectOf(STRICT), { base, zero: true }));
      expect(counted(live)).toMatchObject({ [RESET]: 0, [OPEN]: 0 });
      expect(verdicts()).toEqual(BY_STRICT);
    });
  });

  it('is mended where one that was to go has gone in part', () => {
    withHost(({ base, inside, verdicts }) => {
      inside(() => attach(objectOf(STRICT), { base, devices: [] }));
      inside(() => replace(objectOf(LAX), { base }));
      const before = readdirSync(join(base, 'filter-v4')).filter((name) => name.startsWith('generation'));
      expect(before).toHaveLength(2);
      unlinkSync(join(base, 'filter-v4', 'generation0', 'carried'));
      const told: string[] = [];
      inside(() => replace(objectOf(LAX), { base, told: (text) => told.push(text) }));
      expect(told).toContain('filter-v4: an interrupted replacement: removed');
      expect(verdicts()).toEqual(BY_LAX);
    });
  });

  it('gets its answers with the first ruleset that rejects', () => {
    withHost((live) => {
      const { base, inside, verdicts } = live;
      inside(() => attach(objectOf(LAX), { base, devices: [] }));
      expect(inside(ownRules)).toEqual([]);
      inside(() => replace(objectOf(STRICT), { base }));
      expect(verdicts()).toEqual(BY_STRICT);
      inside(() => detach({ base }));
      expect(inside(ownRules)).toEqual([]);
    });
  });

  it('asks iptables about the packets that come to a test, and about rates', () => {
    withHost((live) => {
      const { base, inside, verdicts } = live;
      inside(() => attach(objectOf(COUNTING), { base, devices: [] }));
      // Each time the connections before are forgotten; of one sequence the third is one too many.
      expect(verdicts()).toEqual(['accept', 'accept', 'accept', 'drop']);
      expect(inside(ownRules).some((rule) => rule.includes('-m connlimit --connlimit-above 2'))).toBe(true);
      inside(() => replace(objectOf(LAX), { base }));
      expect(verdicts()).toEqual(BY_LAX);
      expect(inside(ownRules)).toEqual([]);
      inside(() => detach({ base }));
    });
  });

  it('goes back to the one before, with its counters', () => {
    withHost((live) => {
      const { base, inside, verdicts } = live;
      inside(() => attach(objectOf(STRICT), { base, devices: [] }));
      expect(codeOf(() => inside(() => rollback({ base })))).toBe('not-attached');
      verdicts();
      inside(() => replace(objectOf(LAX), { base }));
      verdicts();
      inside(() => rollback({ base }));
      expect(counted(live)).toMatchObject({ [RESET]: 1, [OPEN]: 2 });
      expect(verdicts()).toEqual(BY_STRICT);
    });
  });

  it('goes back by itself where nobody confirms, with no process of ours', () => {
    withHost((live) => {
      const { base, inside, verdicts } = live;
      inside(() => attach(objectOf(STRICT), { base, devices: [], confirm: 1 }));
      expect(verdicts()).toEqual(BY_STRICT);
      pause(1100);
      expect(verdicts()).toEqual(EVERYTHING);
      expect(readStatus(base)).toEqual({
        deployments: [],
        blocked: [],
        leftovers: [{ name: 'filter-v4', state: 'not in force' }],
      });
      const told: string[] = [];
      inside(() => attach(objectOf(LAX), { base, devices: [], told: (text) => told.push(text) }));
      expect(told).toEqual(['filter-v4: not in force any more: removed']);
      verdicts();
      inside(() => replace(objectOf(STRICT), { base, confirm: 1 }));
      expect(readStatus(base).deployments[0]).toMatchObject({ confirm: 1, before: 'test.v4' });
      expect(verdicts()).toEqual(BY_STRICT);
      pause(1100);
      expect(verdicts()).toEqual(BY_LAX);
      inside(() => replace(objectOf(LAX), { base, told: (text) => told.push(text) }));
      expect(told[1]).toBe('filter-v4: not confirmed in time: the ruleset before it is in force again');
      expect(counted(live)).toMatchObject({ [OPEN]: 3 });
    });
  });

  it('stays where it is confirmed', () => {
    withHost((live) => {
      const { base, inside, verdicts } = live;
      inside(() => attach(objectOf(STRICT), { base, devices: [], confirm: 1 }));
      expect(codeOf(() => inside(() => replace(objectOf(LAX), { base })))).toBe('already-attached');
      expect(inside(() => confirm({ base }))).toEqual({ name: 'filter-v4', confirmed: true });
      expect(inside(() => confirm({ base }))).toEqual({ name: 'filter-v4', confirmed: false });
      pause(1100);
      expect(verdicts()).toEqual(BY_STRICT);
    });
  });

  it('is told from what it is not', () => {
    withHost(({ base, inside, verdicts }) => {
      expect(codeOf(() => inside(() => replace(objectOf(LAX), { base })))).toBe('not-attached');
      expect(codeOf(() => inside(() => attach(objectOf(LAX), { base, devices: ['eth0'] })))).toBe('no-device');
      inside(() => attach(objectOf(LAX), { base, devices: [] }));
      expect(codeOf(() => inside(() => attach(objectOf(STRICT), { base, devices: [] })))).toBe('already-attached');
      expect(codeOf(() => inside(() => attach(objectOf(STRICT), { base, name: 'b', devices: [] })))).toBe('hook-taken');
      const wire = objectOf(LAX, { hook: 'tc', chain: 'INPUT' });
      expect(codeOf(() => inside(() => replace(wire, { base })))).toBe('bad-object');
      expect(codeOf(() => inside(() => attach(wire, { base, devices: ['none0'] })))).toBe('no-device');
      const elsewhere = NetworkNamespace.create();
      expect(codeOf(() => elsewhere.run(() => detach({ base })))).toBe('other-namespace');
      elsewhere.close();
      expect(verdicts()).toEqual(BY_LAX);
      expect(pinned(base)).toEqual(['filter-v4']);
    });
  });
});

describe.skipIf(!able)('pins of somebody else (skipped without root, nft or iptables)', () => {
  it('are left alone', () => {
    withHost(({ base, inside }) => {
      mkdirSync(join(base, 'other', 'deep'), { recursive: true });
      inside(() => attach(objectOf(LAX), { base, devices: [] }));
      expect(codeOf(() => inside(() => attach(objectOf(LAX), { base, name: 'other', devices: [] })))).toBe(
        'already-attached',
      );
      inside(() => detach({ base }));
      expect(pinned(base)).toEqual(['other']);
    });
  });
});
