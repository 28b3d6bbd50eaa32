/** What `--dry-run` says of iptables is what the verb then does, and saying it changes nothing. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pause } from '../../../bpf-runtime/system/pause.js';
import { attach, planAttach } from '../../../src/live/attach.js';
import { findDeployment } from '../../../src/live/deployment.js';
import { Pins } from '../../../src/live/pins.js';
import {
  confirm,
  detach,
  planConfirm,
  planDetach,
  planReplace,
  planRollback,
  replace,
  rollback,
} from '../../../src/live/replace.js';
import { planRules, type RuleChange } from '../../../src/live/residual.js';
import { bootPlaces, disable, enable, planDisable } from '../../../src/live/saved/enable.js';
import { planRestore, restore } from '../../../src/live/saved/restore.js';
import { readStatus } from '../../../src/live/status.js';
import { able, codeOf, objectOf, ownRules, withHost } from './support.js';

const dump = (...rules: readonly string[]): string =>
  ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );

const QUIET = objectOf(dump('-A INPUT -p udp -m udp --dport 3 -j DROP'));
const REJECTING = objectOf(dump('-A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp-port-unreachable'));
const ASKING = objectOf(dump('-A INPUT -p udp -m connlimit --connlimit-above 2 --connlimit-mask 0 -j DROP'));

/** A rule without its table and the text that iptables may write in another way: its chain. */
const chainOf = (rule: string): string => /-[ADI] (\S+)/.exec(rule)?.[1] ?? rule;
const rulesNow = (): readonly string[] => ownRules().filter((line) => line.startsWith('-A'));
const without = (all: readonly string[], some: readonly string[]): readonly string[] =>
  all.filter((one) => !some.includes(one)).sort();

interface Step {
  readonly name: string;
  /** What is in force when it is asked. */
  readonly have: (base: string) => void;
  readonly plan: (base: string) => RuleChange | undefined;
  readonly act: (base: string) => void;
  /** Whether rules come, and whether rules go. */
  readonly want: { readonly gets: boolean; readonly loses: boolean };
}

const running = (base: string): ReturnType<typeof findDeployment> => findDeployment(base);
const put = (base: string, object = REJECTING): unknown => attach(object, { base, devices: [] });

const STEPS: readonly Step[] = [
  {
    name: 'attach with rules that answer',
    have: () => undefined,
    plan: (base) => {
      const record = planAttach(REJECTING.manifest, { base, devices: [] });
      return planRules(new Pins(base, record.name), record, [{ side: 0, manifest: REJECTING.manifest }], 0);
    },
    act: (base) => put(base),
    want: { gets: true, loses: false },
  },
  {
    name: 'replace what has no such rules',
    have: (base) => put(base, QUIET),
    plan: (base) => planReplace(running(base), ASKING.manifest, false),
    act: (base) => replace(ASKING, { base }),
    want: { gets: true, loses: false },
  },
  {
    name: 'replace rules that answer by some that ask',
    have: (base) => put(base),
    plan: (base) => planReplace(running(base), ASKING.manifest, false),
    act: (base) => replace(ASKING, { base }),
    want: { gets: true, loses: true },
  },
  {
    name: 'replace with --confirm, which keeps those before',
    have: (base) => put(base),
    plan: (base) => planReplace(running(base), ASKING.manifest, true),
    act: (base) => replace(ASKING, { base, confirm: 60 }),
    want: { gets: true, loses: false },
  },
  {
    name: 'replace where nobody has confirmed the one before',
    have: (base) => {
      put(base, QUIET);
      replace(REJECTING, { base, confirm: 1 });
      pause(1100);
    },
    plan: (base) => {
      expect(readStatus(base).deployments).toMatchObject([{ expired: true }]);
      expect(codeOf(() => planRollback(running(base)))).toBe('not-attached');
      expect(planConfirm(running(base))).toBeUndefined();
      return planReplace(running(base), ASKING.manifest, false);
    },
    act: (base) => replace(ASKING, { base }),
    want: { gets: true, loses: true },
  },
  {
    name: 'confirm',
    have: (base) => {
      put(base);
      replace(ASKING, { base, confirm: 60 });
    },
    plan: (base) => planConfirm(running(base)),
    act: (base) => confirm({ base }),
    want: { gets: false, loses: true },
  },
  {
    name: 'rollback of what waits for its confirmation',
    have: (base) => {
      put(base);
      replace(ASKING, { base, confirm: 60 });
    },
    plan: (base) => planRollback(running(base)).rules,
    act: (base) => rollback({ base }),
    want: { gets: false, loses: true },
  },
  {
    name: 'rollback to rules that went',
    have: (base) => {
      put(base);
      replace(QUIET, { base });
    },
    plan: (base) => planRollback(running(base)).rules,
    act: (base) => rollback({ base }),
    want: { gets: true, loses: false },
  },
  {
    name: 'rollback of a first ruleset',
    have: (base) => attach(REJECTING, { base, devices: [], confirm: 60 }),
    plan: (base) => planRollback(running(base)).rules,
    act: (base) => rollback({ base }),
    want: { gets: false, loses: true },
  },
  {
    name: 'detach',
    have: (base) => put(base, ASKING),
    plan: (base) => planDetach(running(base)),
    act: (base) => detach({ base }),
    want: { gets: false, loses: true },
  },
];

describe.skipIf(!able)('what a dry run says (skipped without root, nft or iptables)', () => {
  it.each(STEPS)('of $name', ({ have, plan, act, want }) => {
    withHost(({ base, inside }) => {
      inside(() => have(base));
      const before = inside(rulesNow);
      const { gets, loses } = inside(() => plan(base)) ?? { gets: [], loses: [] };
      expect(inside(rulesNow)).toEqual(before);
      expect({ gets: gets.length > 0, loses: loses.length > 0 }).toEqual(want);
      inside(() => act(base));
      const after = inside(rulesNow);
      const asSaved = loses.map((rule) => rule.replace(/^-t \S+ -D /, '-A ')).sort();
      // A chain may be made anew with the same rules.
      expect(without(asSaved, after)).toEqual(without(before, after));
      expect(gets.map(chainOf).sort()).toEqual(
        after
          .filter((rule) => !before.includes(rule) || asSaved.includes(rule))
          .map(chainOf)
          .sort(),
      );
    });
  });

  it('is the error where the verb would be refused', () => {
    withHost(({ base, inside }) => {
      const code = (plan: () => unknown): string => codeOf(() => inside(plan));
      const wire = objectOf(dump(), { hook: 'tc', chain: 'INPUT' });
      inside(() => put(base));
      expect(code(() => planRollback(running(base)))).toBe('not-attached');
      expect(code(() => planReplace(running(base), wire.manifest, false))).toBe('bad-object');
      inside(() => replace(QUIET, { base, confirm: 60 }));
      expect(code(() => planReplace(running(base), ASKING.manifest, false))).toBe('already-attached');
    });
  });

  it('of restore and disable', () => {
    const root = mkdtempSync(join(tmpdir(), 'ipt2bpf-dry-run-'));
    const directory = bootPlaces(root).state;
    const save = (object: typeof QUIET): unknown =>
      enable([{ record: planAttach(object.manifest, { base: '/', devices: [] }), bytes: object.bytes }], {
        root,
        onFailure: 'closed',
        units: false,
        command: [],
      });
    try {
      withHost(({ base, inside }) => {
        const plan = (): unknown => inside(() => planRestore({ base, directory }));
        const act = (): unknown => inside(() => restore({ base, directory }));
        save(REJECTING);
        expect(plan()).toMatchObject([{ name: 'filter-v4', would: 'attach', waiting: [], iptables: { loses: [] } }]);
        expect(inside(rulesNow)).toEqual([]);
        act();
        expect(plan()).toMatchObject([{ would: 'keep', iptables: { gets: [], loses: [] } }]);
        const rules = inside(rulesNow);
        expect(rules).not.toEqual([]);
        save(QUIET);
        const going = rules.map((rule) => rule.replace('-A ', '-t filter -D '));
        expect(plan()).toMatchObject([{ would: 'replace', iptables: { gets: [], loses: going } }]);
        act();
        expect(inside(rulesNow)).toEqual([]);
        const spoilt = join(directory, 'objects');
        readdirSync(spoilt).forEach((name) => rmSync(join(spoilt, name)));
        expect(plan()).toMatchObject([{ state: 'as before', code: 'bad-object' }]);
        inside(() => detach({ base }));
        expect(plan()).toMatchObject([{ state: 'blocked', code: 'bad-object' }]);
      });
      const removes = [join(directory, 'state.json'), join(directory, 'objects')];
      expect(planDisable(root)).toEqual({ was: true, removes });
      expect(planDisable(root)).toEqual({ was: true, removes });
      disable(root);
      expect(planDisable(root)).toEqual({ was: false, removes: [] });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
