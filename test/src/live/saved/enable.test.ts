import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasCommand, run } from '../../../../bpf-runtime/system/command.js';
import { addVethPair } from '../../../../bpf-runtime/system/device.js';
import { attach, planAttach } from '../../../../src/live/attach.js';
import type { CheckedObject } from '../../../../src/live/object.js';
import { detach } from '../../../../src/live/replace.js';
import {
  attachedRulesets,
  bootPlaces,
  disable,
  enable,
  type BootPlaces,
  type ToSave,
} from '../../../../src/live/saved/enable.js';
import { restore } from '../../../../src/live/saved/restore.js';
import { readState, type OnFailure } from '../../../../src/live/saved/store.js';
import { readStatus } from '../../../../src/live/status.js';
import { able, codeOf, objectOf, withHost } from '../support.js';

const dump = (policy: string, ...rules: readonly string[]): string =>
  ['*filter', `:INPUT ${policy} [0:0]`, ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );
const STRICT = dump('DROP', '-A INPUT -p udp -m udp --dport 2 -j ACCEPT');
const LAX = dump('ACCEPT', '-A INPUT -p udp -m udp --dport 3 -j DROP');
const BY_STRICT = ['drop', 'drop', 'accept', 'drop'];
const BY_LAX = ['accept', 'accept', 'accept', 'drop'];
const NOTHING_PASSES = ['drop', 'drop', 'drop', 'drop'];
const EVERYTHING = ['accept', 'accept', 'accept', 'accept'];

let root = '';
let places: BootPlaces = bootPlaces('/');
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ipt2bpf-enable-'));
  places = bootPlaces(root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function toSave(object: CheckedObject, devices: readonly string[] = []): ToSave {
  return { record: planAttach(object.manifest, { base: '/', devices, absent: 'later' }), bytes: object.bytes };
}

const save = (onFailure: OnFailure, ...rulesets: readonly ToSave[]): ReturnType<typeof enable> =>
  enable(rulesets, { root, onFailure, units: hasCommand('systemctl'), command: ['/usr/bin/env', '/etc/hostname'] });

/** Replaces each saved object by something else of the same length. */
function spoilObjects(): void {
  const folder = join(places.state, 'objects');
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'spoilt');
}

describe.skipIf(!able)('saved rulesets (skipped without root, nft or iptables)', () => {
  it('are for root alone, and are in force again after a start of the machine', () => {
    withHost(({ base, inside, verdicts }) => {
      inside(() => attach(objectOf(STRICT), { base, devices: [] }));
      save('closed', ...inside(() => attachedRulesets(base)));
      const modes = readdirSync(places.state, { recursive: true, encoding: 'utf8' }).map(
        (name) => statSync(join(places.state, name)).mode & 0o077,
      );
      expect([...modes, statSync(places.state).mode & 0o077]).toEqual([0, 0, 0, 0]);
      // What a start of the machine leaves: nothing in the kernel.
      inside(() => detach({ base }));
      expect(verdicts()).toEqual(EVERYTHING);
      const again = (): unknown => inside(() => restore({ base, directory: places.state }));
      expect(again()).toEqual([{ name: 'filter-v4', state: 'in force', waiting: [] }]);
      expect(verdicts()).toEqual(BY_STRICT);
      expect(again()).toEqual([{ name: 'filter-v4', state: 'in force already', waiting: [] }]);
      save('closed', toSave(objectOf(LAX)));
      expect(again()).toEqual([{ name: 'filter-v4', state: 'in force', waiting: [] }]);
      expect(verdicts()).toEqual(BY_LAX);
      expect(disable(root)).toBe(true);
      expect(disable(root)).toBe(false);
      expect(existsSync(places.state)).toBe(false);
      expect(codeOf(again)).toBe('nothing-saved');
      expect(verdicts()).toEqual(BY_LAX);
    });
  });

  it('let no packet pass where they cannot be loaded, if so chosen, until they can', () => {
    withHost(({ base, inside, verdicts }) => {
      save('closed', toSave(objectOf(STRICT)));
      spoilObjects();
      const again = (): readonly { readonly state: string }[] =>
        inside(() => restore({ base, directory: places.state }));
      expect(again()).toMatchObject([
        { name: 'filter-v4', state: 'blocked', reason: expect.stringContaining('saved') },
      ]);
      expect(verdicts()).toEqual(NOTHING_PASSES);
      expect(readStatus(base)).toMatchObject({ deployments: [], blocked: [{ name: 'filter-v4' }], leftovers: [] });
      expect(again()).toMatchObject([{ state: 'as before' }]);
      expect(verdicts()).toEqual(NOTHING_PASSES);
      save('closed', toSave(objectOf(STRICT)));
      expect(again()).toMatchObject([{ state: 'in force' }]);
      expect(verdicts()).toEqual(BY_STRICT);
      spoilObjects();
      expect(again()).toMatchObject([{ state: 'as before' }]);
      expect(verdicts()).toEqual(BY_STRICT);
    });
  });

  it('let packets pass where they cannot be loaded, if so chosen', () => {
    withHost(({ base, inside, verdicts }) => {
      save('open', toSave(objectOf(STRICT)));
      spoilObjects();
      const outcomes = inside(() => restore({ base, directory: places.state }));
      expect(outcomes).toMatchObject([{ state: 'not in force' }]);
      expect(verdicts()).toEqual(EVERYTHING);
      expect(readStatus(base)).toEqual({ deployments: [], blocked: [], leftovers: [] });
    });
  });

  it('are attached to devices when these appear', () => {
    withHost(({ base, inside }) => {
      const object = objectOf(LAX, { hook: 'tc', chain: 'INPUT' });
      const { later } = save('open', toSave(object, ['late0', 'late1']));
      if (hasCommand('systemctl')) expect(later).toEqual(['late0', 'late1']);
      const again = (): unknown => inside(() => restore({ base, directory: places.state }));
      expect(again()).toMatchObject([{ state: 'in force', waiting: ['late0', 'late1'] }]);
      inside(() => addVethPair('late0', 'other0'));
      expect(again()).toMatchObject([{ state: 'in force already', waiting: ['late1'] }]);
      expect(readStatus(base).deployments[0].places.map(({ state }) => state)).toEqual(['attached', 'not attached']);
    });
  });

  it.each([
    {
      name: 'a waiting confirmation',
      compiled: {},
      options: { confirm: 60 },
      want: 'already-attached',
    },
    { name: 'a comparison', compiled: { shadow: true }, options: {}, want: 'bad-state' },
  ])('are not made of $name', ({ compiled, options, want }) => {
    withHost(({ base, inside }) => {
      inside(() => attach(objectOf(LAX, compiled), { base, devices: [], ...options }));
      expect(codeOf(() => inside(() => attachedRulesets(base)))).toBe(want);
    });
  });

  it.each([
    { name: 'a root that is not there', where: (): string => join(root, 'mistyped', 'image') },
    // Node.js never ends there where it is to make folders recursively.
    { name: 'a file system that takes no folders', where: (): string => '/proc' },
  ])('are refused with $name', ({ where }) => {
    const settings = { root: where(), onFailure: 'open', units: false, command: [] } as const;
    expect(codeOf(() => enable([toSave(objectOf(LAX))], settings))).toBe('no-folder');
    expect(existsSync(join(root, 'mistyped'))).toBe(false);
  });

  it('are refused where others could have changed them', () => {
    save('open', toSave(objectOf(LAX)));
    expect(readState(places.state)).toMatchObject({ onFailure: 'open', rulesets: [{ record: { name: 'filter-v4' } }] });
    run('chmod', ['o+w', join(places.state, 'state.json')]);
    expect(codeOf(() => readState(places.state))).toBe('bad-state');
    run('chmod', ['o-w', join(places.state, 'state.json')]);
    writeFileSync(join(places.state, 'state.json'), '{"format":1,"onFailure":"closed","rulesets":[{}]}');
    expect(codeOf(() => readState(places.state))).toBe('bad-state');
  });
});

describe.skipIf(!able || !hasCommand('systemctl'))('the units (skipped without root, iptables or systemd)', () => {
  it('are what systemd takes, before the network, and are removed', () => {
    const object = objectOf(LAX, { hook: 'tc', chain: 'INPUT' });
    const { written } = save('closed', toSave(object, ['odd-"name']), toSave(objectOf(STRICT)));
    const units = written.filter((path) => path.endsWith('.service'));
    expect(units.map((path) => path.slice(places.units.length + 1))).toEqual([
      'ipt2bpf.service',
      'ipt2bpf-block.service',
      'ipt2bpf-devices.service',
    ]);
    for (const unit of units) {
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
      expect({ status, stderr: stderr.split('\n').filter((line) => line.includes('ipt2bpf')) }).toEqual({
        status: 0,
        stderr: [],
      });
    }
    const text = readFileSync(units[0], 'utf8');
    expect(text).toMatch(/^Before=.*\bnetwork-pre\.target\b/m);
    expect(readdirSync(join(places.units, 'multi-user.target.wants'))).toEqual(['ipt2bpf.service']);
    save('open', toSave(objectOf(STRICT)));
    expect(readdirSync(places.units).sort()).toEqual(['ipt2bpf.service', 'multi-user.target.wants']);
    disable(root);
    expect(readdirSync(places.units)).toEqual([]);
  });

  it('are refused where nothing would keep packets out on failure', () => {
    mkdirSync(join(root, 'usr/sbin'), { recursive: true });
    expect(codeOf(() => save('closed', toSave(objectOf(STRICT))))).toBe('command-missing');
    expect(existsSync(places.state)).toBe(false);
    save('open', toSave(objectOf(STRICT)));
    // As alternatives have it: a link that leads somewhere in that file system.
    symlinkSync('/etc/alternatives/of-that-system', join(root, 'usr/sbin/iptables'));
    save('closed', toSave(objectOf(STRICT)));
    expect(readState(places.state)).toMatchObject({ onFailure: 'closed' });
  });

  it('keep all packets out with iptables where the tool itself cannot run', () => {
    withHost(({ inside, verdicts }) => {
      save('closed', toSave(objectOf(STRICT)));
      const text = readFileSync(join(places.units, 'ipt2bpf-block.service'), 'utf8');
      const commands = (what: string): readonly string[] =>
        [...text.matchAll(new RegExp(`^${what}=-?(.*)$`, 'gm'))].map(([, words]) => words);
      const all = (what: string): void =>
        inside(() => commands(what).forEach((line) => run(line.split(' ')[0], line.split(' ').slice(1))));
      all('ExecStart');
      expect(verdicts()).toEqual(['stack', 'stack', 'stack', 'stack']);
      all('ExecStop');
      expect(verdicts()).toEqual(EVERYTHING);
    });
  });
});
