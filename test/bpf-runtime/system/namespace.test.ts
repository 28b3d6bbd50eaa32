import { closeSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CommandError, run } from '../../../bpf-runtime/system/command.js';
import { addVethPair, interfaceIndex, ip, isInterfaceName, openTap } from '../../../bpf-runtime/system/device.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { NetworkNamespace, withNetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import { getSysctl, setSysctl, setSysctlIfPresent } from '../../../bpf-runtime/system/sysctl.js';
import { skipReason } from '../../support/machine.js';

const why = skipReason(['root', 'ip']);
const here = (): string => readlinkSync('/proc/thread-self/ns/net');

describe('interface names', () => {
  it.each([
    ['eth0', true],
    ['eth0.100', true],
    ['a'.repeat(15), true],
    ['a'.repeat(16), false],
    ['', false],
    ['..', false],
    ['a/b', false],
    ['a b', false],
    ['tap%d', false],
  ])('%s: %s', (name, want) => {
    expect(isInterfaceName(name)).toBe(want);
  });
});

describe.skipIf(why !== '')(`network namespaces${why}`, () => {
  it('holds devices and sysctls of its own, for child processes too', () => {
    const home = here();
    const hostLinks = run('ip', ['-o', 'link']);
    withNetworkNamespace(() => {
      expect(here()).not.toBe(home);
      const tap = openTap('eth0.100');
      addVethPair('va', 'vb');
      expect(ip('-o', 'link')).toContain('eth0.100');
      expect(interfaceIndex('va')).toBeGreaterThan(interfaceIndex('eth0.100'));
      setSysctl('net/ipv4/conf/eth0.100/rp_filter', 2);
      expect(getSysctl('net/ipv4/conf/eth0.100/rp_filter')).toBe('2');
      expect(setSysctlIfPresent('net/ipv4/no_such_thing', 1)).toBe(false);
      closeSync(tap);
      expect(ip('-o', 'link')).not.toContain('eth0.100');
    });
    expect(here()).toBe(home);
    expect(run('ip', ['-o', 'link'])).toBe(hostLinks);
  });

  it('comes back after an error, and after being left and entered again', () => {
    const home = here();
    const namespace = NetworkNamespace.create();
    expect(here()).toBe(home);
    const inside = namespace.run(here);
    expect(inside).not.toBe(home);
    expect(() =>
      namespace.run(() => {
        throw new Error('on purpose');
      }),
    ).toThrow('on purpose');
    expect(here()).toBe(home);
    expect(namespace.run(here)).toBe(inside);
    namespace.close();
    expect(() => namespace.run(here)).toThrow(RuntimeError);
  });

  it('refuses an asynchronous body', () => {
    expect(() => withNetworkNamespace(async () => 1)).toThrow(/asynchronous/);
  });

  it('says which tool failed and why', () => {
    expect(() => withNetworkNamespace(() => ip('link', 'show', 'absent'))).toThrow(CommandError);
    expect(() => run('no-such-tool-anywhere', [])).toThrow(/not installed/);
  });
});
