/** What fails on the way: a message with a code, and nothing half done. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../../bpf-runtime/system/command.js';
import { addVethPair } from '../../../bpf-runtime/system/device.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { SystemCallError } from '../../../bpf-runtime/system/libc.js';
import { requireKernel } from '../../../bpf-runtime/system/requirements.js';
import { attach } from '../../../src/live/attach.js';
import { checkObject, type CheckedObject } from '../../../src/live/object.js';
import { detach, replace } from '../../../src/live/replace.js';
import { readStatus } from '../../../src/live/status.js';
import { builtCli } from '../../docs/support/built-cli.js';
import { able, objectOf, ownRules, pinned, withHost, type LiveHost } from './support.js';

/** Pins that are made before one fails, as in a BPF file system with no room (the kernel's has no limit to test with). */
const pinsLeft = vi.hoisted(() => ({ count: Infinity }));
vi.mock('../../../bpf-runtime/kernel/pin.js', async (original) => {
  const { pin } = await original<typeof import('../../../bpf-runtime/kernel/pin.js')>();
  const { SystemCallError: Failure } = await import('../../../bpf-runtime/system/libc.js');
  return {
    pin: (fd: number, path: string): void => {
      if (pinsLeft.count-- <= 0) throw new Failure('BPF_OBJ_PIN', 28, path);
      pin(fd, path);
    },
  };
});
afterEach(() => {
  pinsLeft.count = Infinity;
});

const dump = (policy: string, ...rules: readonly string[]): string =>
  ['*filter', `:INPUT ${policy} [0:0]`, ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );
const STRICT = dump('DROP', '-A INPUT -p tcp -j REJECT --reject-with tcp-reset');
const LAX = dump('ACCEPT', '-A INPUT -p udp -m udp --dport 3 -j DROP');
const BY_STRICT = ['reject', 'drop', 'drop', 'drop'];
const EVERYTHING = ['accept', 'accept', 'accept', 'accept'];

const failureOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    if (error instanceof RuntimeError) return error.code;
    if (error instanceof SystemCallError) return error.message.replace(/: \/.*/, '');
    throw error;
  }
  return 'none';
};

const needing = (object: CheckedObject, kernel: string): CheckedObject => ({
  ...object,
  manifest: { ...object.manifest, needs: { ...object.manifest.needs, kernel } },
});

function expectUntouched({ base, inside, verdicts }: LiveHost): void {
  expect(pinned(base)).toEqual([]);
  expect(inside(ownRules)).toEqual([]);
  expect(verdicts()).toEqual(EVERYTHING);
}

describe.skipIf(!able)('trouble (skipped without root, nft or iptables)', () => {
  it('with any pin of an attachment leaves nothing', () => {
    withHost((live) => {
      const { base, inside } = live;
      const object = objectOf(STRICT);
      let pins = 0;
      for (; ; pins++) {
        pinsLeft.count = pins;
        const failure = inside(() => failureOf(() => attach(object, { base, devices: [] })));
        pinsLeft.count = Infinity;
        if (failure === 'none') break;
        expect(failure).toBe('BPF_OBJ_PIN: ENOSPC');
        expect(pinned(base)).toEqual([]);
        expect(inside(ownRules)).toEqual([]);
      }
      expect(pins).toBeGreaterThan(8);
      expect(live.verdicts()).toEqual(BY_STRICT);
      inside(() => detach({ base }));
      expectUntouched(live);
      expect(existsSync(base)).toBe(false);
    });
  }, 20_000);

  it('with any pin of a replacement leaves the ruleset before', () => {
    withHost(({ base, inside, verdicts }) => {
      inside(() => attach(objectOf(LAX), { base, devices: [] }));
      const object = objectOf(STRICT);
      for (let pins = 0; ; pins++) {
        pinsLeft.count = pins;
        const failure = inside(() => failureOf(() => replace(object, { base })));
        pinsLeft.count = Infinity;
        if (failure === 'none') break;
        expect(failure).toBe('BPF_OBJ_PIN: ENOSPC');
        expect(readStatus(base)).toMatchObject({
          deployments: [{ state: 'in force', manifest: { source: LAX } }],
          leftovers: [],
        });
      }
      expect(verdicts()).toEqual(BY_STRICT);
    });
  }, 20_000);

  it('is named before anything is changed', () => {
    withHost((live) => {
      const { base, inside } = live;
      const here = mkdtempSync(join(tmpdir(), 'ipt2bpf-trouble-'));
      const cases = [
        { want: 'no-bpf-file-system', body: () => attach(objectOf(LAX), { base: here, devices: [] }) },
        { want: 'old-kernel', body: () => attach(needing(objectOf(LAX), '99.1'), { base, devices: [] }) },
      ];
      for (const { want, body } of cases) expect(failureOf(() => inside(body))).toBe(want);
      rmSync(here, { recursive: true });
      expectUntouched(live);
    });
  });

  it.each([
    { name: 'a folder that others can write to', make: (path: string): void => mkdirSync(path), mode: 0o777 },
    { name: 'a symbolic link', make: (path: string): void => symlinkSync('/sys/fs/bpf', path) },
  ])('with $name for pins is refused', ({ make, mode }) => {
    withHost(({ base, inside, verdicts }) => {
      make(base);
      if (mode !== undefined) chmodSync(base, mode);
      try {
        expect(failureOf(() => inside(() => attach(objectOf(STRICT), { base, devices: [] })))).toBe('bad-state');
        expect(verdicts()).toEqual(EVERYTHING);
      } finally {
        rmSync(base, { recursive: true });
      }
    });
  });

  it('with permissions names them', () => {
    const here = mkdtempSync(join(tmpdir(), 'ipt2bpf-trouble-'));
    try {
      writeFileSync(join(here, 'lax.o'), objectOf(LAX).bytes);
      const cli = join(builtCli('live'), 'src/cli/main.js');
      const words = [
        '--bounding-set',
        '-bpf,-sys_admin,-net_admin',
        process.execPath,
        cli,
        'attach',
        join(here, 'lax.o'),
      ];
      const { status, stderr } = spawnSync('setpriv', [...words, '--pins', '/sys/fs/bpf/ipt2bpf-none'], {
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr:
          'ipt2bpf: error[no-permission]: this needs CAP_BPF and CAP_NET_ADMIN, which root has: run it with sudo\n',
      });
    } finally {
      rmSync(here, { recursive: true });
    }
  }, 120_000);

  it('with a device is told, and mended when it is back', () => {
    withHost(({ base, inside }) => {
      const told: string[] = [];
      const states = (): readonly string[] => readStatus(base).deployments[0].places.map(({ state }) => state);
      const wire = objectOf(LAX, { hook: 'tc', chain: 'INPUT' });
      inside(() => {
        addVethPair('here0', 'there0');
        attach(wire, { base, devices: ['here0'] });
        run('ip', ['link', 'set', 'here0', 'up']);
        run('ip', ['link', 'set', 'here0', 'down']);
        run('ip', ['link', 'set', 'here0', 'up']);
        expect(states()).toEqual(['attached']);
        run('ip', ['link', 'del', 'here0']);
        expect(states()).toEqual(['device gone']);
        replace(wire, { base });
        expect(states()).toEqual(['device gone']);
        addVethPair('here0', 'there0');
        replace(wire, { base, told: (text) => told.push(text) });
        expect(states()).toEqual(['attached']);
        run('ip', ['link', 'del', 'here0']);
        detach({ base });
      });
      expect(told).toEqual(['tc-input-v4: attached again: tc ingress of here0']);
      expect(pinned(base)).toEqual([]);
    });
  });
});

describe('kernels', () => {
  it.each([
    { wanted: '6.4', running: '6.3.99-generic', want: 'old-kernel' },
    { wanted: '6.4', running: '5.15.0', want: 'old-kernel' },
    { wanted: '6.4', running: '6.4.0-rc1', want: 'none' },
    { wanted: '6.4', running: '6.18.44', want: 'none' },
    { wanted: '5.15', running: '6.1', want: 'none' },
  ])('$running where $wanted is needed: $want', ({ wanted, running, want }) => {
    expect(failureOf(() => requireKernel(wanted, running))).toBe(want);
  });
});

describe('object files', () => {
  const { bytes } = objectOf(STRICT);
  const text = (from: string, to: string): Uint8Array =>
    new Uint8Array(Buffer.from(Buffer.from(bytes).toString('latin1').replace(from, to), 'latin1'));

  it.each([
    { name: 'nothing', have: new Uint8Array() },
    { name: 'a part', have: bytes.slice(0, 1000) },
    { name: 'no manifest', have: text('.debug_ipt2bpf', '.debug_another') },
    { name: 'a manifest of another format', have: text('{"format":1', '{"format":2') },
    { name: 'a manifest that is no JSON', have: text('{"format":1', '["format":1') },
    { name: 'a manifest with another chain', have: text('"chain":"INPUT"', '"chain":"IMPUT"') },
    {
      name: 'a manifest with another source',
      have: text('--reject-with tcp-reset\\nCOMMIT', '--reject-with tcp-resex\\nCOMMIT'),
    },
    {
      name: 'a manifest with a program that is not there',
      have: text('"name":"ipt2bpf_input"', '"name":"ipt2bpf_inpux"'),
    },
  ])('with $name are refused', ({ have }) => {
    expect(failureOf(() => checkObject(have, 'test.o'))).toBe('bad-object');
  });

  it('with any changed byte are read, or refused by name', () => {
    const change = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const have = bytes.slice();
        for (const { at, byte } of changes) have[at] = byte;
        expect(['none', 'bad-object']).toContain(failureOf(() => checkObject(have, 'test.o')));
      }),
      { numRuns: 300 },
    );
  });
});
