import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attachCgroup, attachTcx, attachXdp, type Link } from '../../../bpf-runtime/kernel/link.js';
import type { LoadedProgram } from '../../../bpf-runtime/kernel/program.js';
import { loadPrograms, type LoadedObject } from '../../../bpf-runtime/kernel/raw-load.js';
import { attachNetfilter, PRIORITY, type NetfilterPlace } from '../../../bpf-runtime/netfilter/link.js';
import { IngressInjector } from '../../../bpf-runtime/iptables/inject.js';
import { CommandError, run } from '../../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { SystemCallError } from '../../../bpf-runtime/system/libc.js';
import { Testbed } from '../../../bpf-runtime/system/testbed.js';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { exit, mov64, R0, R6 } from '../../../codegen/bytecode/instruction.js';
import type { ContextStruct } from '../../../codegen/object/spec.js';
import { frame4, packet, udp } from '../iptables/frames.js';
import { count } from '../kernel/objects.js';
import { KERNEL, skipReason } from '../../support/machine.js';

const why = skipReason(KERNEL);
const CONTEXT: Readonly<Record<string, ContextStruct>> = { netfilter: 'bpf_nf_ctx', xdp: 'xdp_md' };

/** Counts its packets in map `counters` and returns `result`. */
function counting(section: string, result: number): LoadedObject {
  const code = [mov64(R6, 0), ...count(R6), { ...mov64(R0, result), label: 'end' }, exit()];
  const struct = CONTEXT[section] ?? '__sk_buff';
  return loadPrograms({
    license: 'GPL',
    program: {
      section,
      entries: [
        {
          name: 'count',
          linkage: 'global',
          params: [{ name: 'ctx', type: { kind: 'context', struct } }],
          instructions: assemble('count', code),
        },
      ],
      functions: [],
    },
    maps: [{ name: 'counters', type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 }],
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'none',
  });
}

const program = ({ programs }: LoadedObject): LoadedProgram => [...programs.values()][0];
const packets = ({ maps }: LoadedObject): bigint => {
  const map = maps.get('counters');
  if (map === undefined) throw new Error('no map counters');
  return new DataView(map.at(0).buffer).getBigUint64(0, true);
};

/** A host whose INPUT chain gets what is sent. */
class Host {
  readonly testbed = Testbed.create({ family: 'v4', chain: 'INPUT', interfaces: ['eth0'] });
  private readonly injector = new IngressInjector(this.testbed);
  private readonly held: { close(): void }[] = [];

  hold<T extends { close(): void }>(thing: T): T {
    this.held.push(thing);
    return thing;
  }

  attach(object: LoadedObject, place: Partial<NetfilterPlace> = {}): Link {
    const { namespace } = this.testbed;
    return this.hold(
      attachNetfilter(program(object), { family: 'v4', hook: 'INPUT', priority: 0, ...place }, namespace),
    );
  }

  send(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.injector.send(packet(frame));
  }

  close(): void {
    for (const thing of this.held.reverse()) thing.close();
    this.injector.close();
    this.testbed.close();
  }
}

function withHost(body: (host: Host) => void): void {
  const host = new Host();
  try {
    body(host);
  } finally {
    host.close();
  }
}

const UDP = frame4({ protocol: 17 }, udp(1000, 2000));
const [FIRST, LAST] = [
  frame4({ protocol: 17, fragment: 0x2000, id: 9 }, udp(1000, 2000, [1, 2, 3, 4, 5, 6, 7, 8])),
  frame4({ protocol: 17, fragment: 2, id: 9 }, [9, 10]),
];

describe.skipIf(why !== '')(`programs attached by links${why}`, () => {
  it('netfilter: by hook and priority, a drop ends the way, closing detaches', () => {
    withHost((host) => {
      const [first, second] = [1, 1].map((verdict) => host.hold(counting('netfilter', verdict)));
      const drop = host.hold(counting('netfilter', 0));
      host.attach(first, { hook: 'PREROUTING', priority: PRIORITY.raw });
      host.attach(second, { hook: 'INPUT', priority: PRIORITY.security });
      const dropping = host.attach(drop, { hook: 'INPUT', priority: PRIORITY.filter });
      host.send(UDP, UDP);
      expect([first, drop, second].map(packets)).toEqual([2n, 2n, 0n]);
      dropping.close();
      host.send(UDP);
      expect([first, drop, second].map(packets)).toEqual([3n, 2n, 1n]);
    });
  });

  it('netfilter: of one family, in one namespace', () => {
    withHost((host) => {
      const other = host.hold(counting('netfilter', 1));
      host.attach(other, { family: 'v6' });
      const outside = host.hold(Testbed.create({ family: 'v4', chain: 'INPUT' }));
      const elsewhere = host.hold(counting('netfilter', 1));
      host.hold(attachNetfilter(program(elsewhere), { family: 'v4', hook: 'INPUT', priority: 0 }, outside.namespace));
      host.send(UDP);
      expect([packets(other), packets(elsewhere)]).toEqual([0n, 0n]);
    });
  });

  it.each([
    ['pieces as they come', false, 2n],
    ['whole datagrams', true, 1n],
  ])('netfilter: %s', (_name, defragment, want) => {
    withHost((host) => {
      const object = host.hold(counting('netfilter', 1));
      host.attach(object, { hook: 'PREROUTING', priority: PRIORITY.raw, defragment });
      host.send(FIRST, LAST);
      expect(packets(object)).toBe(want);
    });
  });

  it('netfilter: says that a place is taken, and what the kernel does not take', () => {
    withHost((host) => {
      const object = host.hold(counting('netfilter', 1));
      const link = host.attach(object);
      expect(() => host.attach(object)).toThrow(RuntimeError);
      expect(() => host.attach(object)).toThrow('netfilter INPUT of v4, priority 0: another program is there');
      expect(() => host.attach(object, { priority: -0x80000000 })).toThrow(SystemCallError);
      expect(() => host.attach(object, { priority: PRIORITY.defragmentation, defragment: true })).toThrow(
        /ERANGE|EINVAL/,
      );
      expect(() => link.update(program(object))).toThrow(/ENOTSUP|EOPNOTSUPP/);
    });
  });

  it.each([
    ['xdp', 'generic'],
    ['tc', 'ingress'],
  ] as const)('%s %s: attaches, swaps and detaches', (section, how) => {
    withHost((host) => {
      const pass = section === 'xdp' ? 2 : 0;
      const [old, next] = [pass, pass].map((verdict) => host.hold(counting(section, verdict)));
      const { index } = host.testbed.device('eth0');
      const link = host.testbed.run(() =>
        how === 'generic' ? attachXdp(program(old), index, how) : attachTcx(program(old), index, how),
      );
      host.send(UDP);
      link.update(program(next));
      host.send(UDP, UDP);
      link.close();
      host.send(UDP);
      expect([packets(old), packets(next)]).toEqual([1n, 2n]);
    });
  });

  it('xdp: one program a device', () => {
    withHost((host) => {
      const object = host.hold(counting('xdp', 2));
      const { index } = host.testbed.device('eth0');
      host.hold(host.testbed.run(() => attachXdp(program(object), index)));
      expect(() => host.testbed.run(() => attachXdp(program(object), index))).toThrow(/another program is there/);
    });
  });

  it('cgroup: what its sockets send', () => {
    withHost((host) => {
      const mount = mkdtempSync(join(tmpdir(), 'ipt2bpf-cgroup-'));
      run('mount', ['-t', 'cgroup2', 'none', mount]);
      const directory = join(mount, `ipt2bpf-${process.pid}`);
      mkdirSync(directory);
      try {
        const object = host.hold(counting('cgroup_skb/egress', 0));
        const link = attachCgroup(program(object), directory, 'egress');
        const script = `echo $$ > ${directory}/cgroup.procs; ip link set lo up; echo x > /dev/udp/127.0.0.1/9`;
        const send = (): string => host.testbed.run(() => run('bash', ['-c', script]));
        expect(send).toThrow(CommandError);
        expect(packets(object)).toBe(1n);
        link.close();
        expect(send()).toBe('');
        expect(packets(object)).toBe(1n);
      } finally {
        rmdirSync(directory);
        run('umount', [mount]);
        rmdirSync(mount);
      }
    });
  });

  it('outlives its descriptor where it is pinned', () => {
    withHost((host) => {
      const pin = `/sys/fs/bpf/ipt2bpf-link-${process.pid}`;
      const object = host.hold(counting('netfilter', 1));
      const link = host.attach(object);
      try {
        link.pin(pin);
        link.close();
        host.send(UDP);
        expect(packets(object)).toBe(1n);
      } finally {
        rmSync(pin, { force: true });
      }
      // The kernel detaches from a work queue: a packet sent at once may still be seen.
      const detached = (): boolean => {
        const before = packets(object);
        host.send(UDP);
        return packets(object) === before;
      };
      const until = Date.now() + 5000;
      let gone = detached();
      while (!gone && Date.now() < until) gone = detached();
      expect(gone).toBe(true);
      expect(detached()).toBe(true);
    });
  });
});
