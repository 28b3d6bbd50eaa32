import { closeSync, mkdtempSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../../bpf-runtime/system/command.js';
import { ip, openTap } from '../../../../bpf-runtime/system/device.js';
import { NetworkNamespace } from '../../../../bpf-runtime/system/namespace.js';
import { setSysctl, setSysctlIfPresent } from '../../../../bpf-runtime/system/sysctl.js';
import type { BuiltinChain, Family } from '../../../../grammar/model/family.js';
import type { RejectType } from '../../../../grammar/model/ruleset.js';
import type { Hook } from '../../../../codegen/program/manifest.js';
import { HOST_MAC, PEER_MAC } from './packets.js';

export const HOST = { v4: '192.0.2.1', v6: '2001:db8::1' } as const;
export const PEER = { v4: '192.0.2.2', v6: '2001:db8::2' } as const;
/** A sender behind the peer. */
export const REMOTE = { v4: '203.0.113.9', v6: '2001:db8:3::9' } as const;
/** Behind the host's other device. */
export const FAR = { v4: '198.51.100.2', v6: '2001:db8:1::2' } as const;

const DEVICE = 'tap0';

/** A host with two TAP devices in a network namespace of its own: what is written to tap0 arrives, what it sends is read. */
export class Wire {
  private readonly directory = mkdtempSync(join(tmpdir(), 'reject-'));
  private readonly buffer = new Uint8Array(65536);

  private constructor(
    private readonly namespace: NetworkNamespace,
    private readonly tap: number,
    private readonly other: number,
  ) {}

  static open(): Wire {
    const namespace = NetworkNamespace.create();
    return namespace.run(() => {
      for (const [name, value] of [
        ['net/ipv4/ip_forward', 1],
        ['net/ipv4/conf/all/rp_filter', 0],
        ['net/ipv4/conf/default/rp_filter', 0],
        // The rates at which the kernel sends errors are no part of what is compared.
        ['net/ipv4/icmp_ratemask', 0],
        ['net/ipv6/icmp/ratelimit', 0],
        ['net/ipv6/conf/default/accept_dad', 0],
        ['net/ipv6/conf/default/accept_ra', 0],
        ['net/ipv6/conf/default/router_solicitations', 0],
        ['net/ipv6/conf/all/forwarding', 1],
      ] as const) {
        setSysctl(name, value);
      }
      setSysctlIfPresent('net/ipv4/icmp_msgs_per_sec', 1_000_000);
      setSysctlIfPresent('net/ipv4/icmp_msgs_burst', 1_000_000);
      const tap = openTap(DEVICE);
      const other = openTap('tap1');
      ip('link', 'set', 'lo', 'up');
      ip('link', 'set', DEVICE, 'address', HOST_MAC, 'up');
      ip('link', 'set', 'tap1', 'address', '02:00:00:00:01:01', 'up');
      ip('addr', 'add', `${HOST.v4}/24`, 'dev', DEVICE);
      ip('addr', 'add', '192.0.2.77/24', 'dev', DEVICE);
      ip('addr', 'add', `${HOST.v6}/64`, 'dev', DEVICE, 'nodad');
      ip('addr', 'add', '198.51.100.1/24', 'dev', 'tap1');
      ip('addr', 'add', '2001:db8:1::1/64', 'dev', 'tap1', 'nodad');
      for (const family of ['v4', 'v6'] as const) {
        ip('neigh', 'add', PEER[family], 'lladdr', PEER_MAC, 'dev', DEVICE);
        ip('neigh', 'add', FAR[family], 'lladdr', '02:00:00:00:01:02', 'dev', 'tap1');
        ip('route', 'add', family === 'v4' ? '203.0.113.0/24' : '2001:db8:3::/48', 'via', PEER[family]);
      }
      return new Wire(namespace, tap, other);
    });
  }

  close(): void {
    closeSync(this.tap);
    closeSync(this.other);
    this.namespace.close();
    rmSync(this.directory, { recursive: true });
  }

  /** What iptables answers to each frame. */
  iptables(family: Family, chain: BuiltinChain, type: RejectType, frames: readonly Uint8Array[]): readonly string[] {
    const tool = family === 'v4' ? 'iptables-legacy' : 'ip6tables-legacy';
    const rule = [
      ...(chain === 'OUTPUT' ? ['-o', DEVICE] : ['-i', DEVICE]),
      ...(type === 'tcp-reset' ? ['-p', 'tcp'] : []),
      ...['-j', 'REJECT', '--reject-with', type],
    ];
    return this.namespace.run(() => {
      run(tool, ['-A', chain, ...rule]);
      try {
        return this.exchange(frames);
      } finally {
        run(tool, ['-D', chain, ...rule]);
      }
    });
  }

  /** What an attached object answers to each frame. */
  program(hook: Hook, object: Uint8Array, frames: readonly Uint8Array[], mode = 'xdpgeneric'): readonly string[] {
    const file = join(this.directory, 'reject.o');
    writeFileSync(file, object);
    return this.namespace.run(() => {
      if (hook === 'xdp') ip('link', 'set', 'dev', DEVICE, mode, 'obj', file, 'sec', 'xdp');
      else {
        run('tc', ['qdisc', 'add', 'dev', DEVICE, 'clsact']);
        run('tc', ['filter', 'add', 'dev', DEVICE, 'ingress', 'bpf', 'da', 'obj', file, 'sec', 'tc']);
      }
      try {
        return this.exchange(frames);
      } finally {
        if (hook === 'xdp') ip('link', 'set', 'dev', DEVICE, mode, 'off');
        else run('tc', ['qdisc', 'del', 'dev', DEVICE, 'clsact']);
      }
    });
  }

  private exchange(frames: readonly Uint8Array[]): readonly string[] {
    return frames.map((sent) => {
      this.read();
      writeSync(this.tap, sent);
      return this.read().join(' ');
    });
  }

  /** Frames that wait at the device, but for neighbour discovery and the like; hex. */
  private read(): readonly string[] {
    const frames: string[] = [];
    for (;;) {
      let length: number;
      try {
        length = readSync(this.tap, this.buffer);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return frames;
        throw error;
      }
      const bytes = this.buffer.slice(0, length);
      // Multicast is no answer.
      if ((bytes[0] & 1) === 0) frames.push(Buffer.from(bytes).toString('hex'));
    }
  }
}
