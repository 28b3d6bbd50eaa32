import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RealIptables } from '../../../bpf-runtime/iptables/real-iptables.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { frame4, packet, tcp } from './frames.js';

const able = process.getuid?.() === 0 && hasCommand('iptables-legacy');

interface Traces {
  readonly namespace: string;
  readonly descriptors: readonly string[];
  readonly links: string;
  readonly pins: readonly string[];
  readonly names: string;
}

/** What an engine could leave behind in this process, on the host's network and in the file system. */
function traces(): Traces {
  const descriptors = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // The directory's own descriptor.
    }
  });
  return {
    namespace: readlinkSync('/proc/thread-self/ns/net'),
    descriptors: descriptors.filter((path) => /^net:|tun|bpf/.test(path)),
    links: run('ip', ['-o', 'link']),
    pins: readdirSync('/sys/fs/bpf').filter((name) => name.startsWith(`ipt2bpf-${process.pid}-`)),
    names: run('ip', ['netns', 'list']),
  };
}

const socketCount = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;

describe.skipIf(!able)('what an engine leaves behind (skipped without root or iptables-legacy)', () => {
  const ruleset = '*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n';

  it.each(['INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING'] as const)('nothing after %s', (chain) => {
    const before = traces();
    const sockets = socketCount();
    const text = ruleset.replace(/.*INPUT.*\n/g, (line) =>
      chain === 'PREROUTING' ? '' : line.replace('INPUT', chain),
    );
    const engine = RealIptables.create({
      ruleset: text,
      family: 'v4',
      chain,
      table: chain === 'PREROUTING' ? 'raw' : 'filter',
    });
    engine.judge([packet(frame4({ protocol: 6 }, tcp(1, 2)), 'eth0', 'eth1', 7)]);
    expect(traces()).not.toEqual(before);
    engine.close();
    expect(traces()).toEqual(before);
    expect(socketCount()).toBe(sockets);
  });

  it('nothing after a ruleset that is refused', () => {
    const before = traces();
    const create = (): RealIptables =>
      RealIptables.create({ ruleset: '*filter\n-A INPUT -j NOWHERE\nCOMMIT\n', family: 'v4', chain: 'INPUT' });
    expect(create).toThrow();
    expect(traces()).toEqual(before);
  });
});
