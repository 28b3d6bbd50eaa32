import { closeSync, mkdtempSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../../bpf-runtime/system/command.js';
import { ip, openTap } from '../../../../bpf-runtime/system/device.js';
import { NetworkNamespace } from '../../../../bpf-runtime/system/namespace.js';
import { setSysctl, setSysctlIfPresent } from '../../../../bpf-runtime/system/sysctl.js';
import type { BuiltinChain, Family } from '../../../../grammar/model/family.js';
import type { RejectType } from '../../../../grammar/model/ruleset.js';
import { OFFLOAD_HEADER, offloadHeader, openOffloadingTap, type Offload } from './offload.js';
import { HOST_MAC, PEER_MAC } from './packets.js';

export const HOST = { v4: '192.0.2.1', v6: '2001:db8::1' } as const;
export const PEER = { v4: '192.0.2.2', v6: '2001:db8::2' } as const;
/** A sender behind the peer. */
export const REMOTE = { v4: '203.0.113.9', v6: '2001:db8:3::9' } as const;
/** Behind the host's other device. */
export const FAR = { v4: '198.51.100.2', v6: '2001:db8:1::2' } as const;

const DEVICE = 'tap0';
/** Where an object is attached to the first device. */
export type Place = 'xdpgeneric' | 'xdpdrv' | 'ingress' | 'egress';

export interface Sent {
  readonly frame: Uint8Array;
  /** For an offloading device. */
  readonly offload?: Offload;
}

/** A host with two TAP devices in a network namespace of its own: what is written to tap0 arrives, what it sends is read. */
export class Wire {
  private readonly directory = mkdtempSync(join(tmpdir(), 'reject-'));
  private attached = 0;
  private readonly buffer = new Uint8Array(65536);

  private constructor(
    private readonly namespace: NetworkNamespace,
    private readonly tap: number,
    private readonly other: number,
    private readonly offloading: boolean,
  ) {}

  static open(offloading = false): Wire {
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
      const tap = offloading ? openOffloadingTap(DEVICE) : openTap(DEVICE);
      const other = openTap('tap1');
      ip('link', 'set', 'lo', 'up');
      ip('link', 'set', DEVICE, 'address', HOST_MAC, 'up');
      ip('link', 'set', 'tap1', 'address', '02:00:00:00:01:01', 'up');
      run('tc', ['qdisc', 'add', 'dev', DEVICE, 'clsact']);
      ip('addr', 'add', `${HOST.v4}/24`, 'dev', DEVICE);
      ip('addr', 'add', '192.0.2.77/24', 'dev', DEVICE);
      ip('addr', 'add', `${HOST.v6}/64`, 'dev', DEVICE, 'nodad');
      ip('addr', 'add', '198.51.100.1/24', 'dev', 'tap1');
      ip('addr', 'add', '2001:db8:1::1/64', 'dev', 'tap1', 'nodad');
      for (const family of ['v4', 'v6'] as const) {
        ip('neigh', 'add', PEER[family], 'lladdr', PEER_MAC, 'dev', DEVICE);
        ip('neigh', 'add', FAR[family], 'lladdr', '02:00:00:00:01:02', 'dev', 'tap1');
        // A way back to every sender, without which the kernel gives no answer.
        ip(family === 'v4' ? '-4' : '-6', 'route', 'add', 'default', 'via', PEER[family]);
      }
      return new Wire(namespace, tap, other, offloading);
    });
  }

  close(): void {
    closeSync(this.tap);
    closeSync(this.other);
    this.namespace.close();
    rmSync(this.directory, { recursive: true });
  }

  /** Runs `body` in the namespace while iptables rejects with `type` what comes in (OUTPUT: goes out) at the device. */
  withRule<T>(family: Family, chain: BuiltinChain, type: RejectType, body: () => T): T {
    const tool = family === 'v4' ? 'iptables-legacy' : 'ip6tables-legacy';
    const protocol = type === 'tcp-reset' ? ['-p', 'tcp'] : [];
    const device = [chain === 'OUTPUT' ? '-o' : '-i', DEVICE];
    const rule = [chain, ...device, ...protocol, '-j', 'REJECT', '--reject-with', type];
    return this.namespace.run(() => {
      run(tool, ['-A', ...rule]);
      try {
        return body();
      } finally {
        run(tool, ['-D', ...rule]);
      }
    });
  }

  /** Runs `body` in the namespace while the object is attached; several at tc run in the order of attaching. */
  withObject<T>(place: Place, object: Uint8Array, body: () => T): T {
    const file = join(this.directory, `${this.attached}.o`);
    writeFileSync(file, object);
    const xdp = place === 'xdpgeneric' || place === 'xdpdrv';
    const filter = ['dev', DEVICE, place, 'pref', `${++this.attached}`];
    return this.namespace.run(() => {
      if (xdp) ip('link', 'set', 'dev', DEVICE, place, 'obj', file, 'sec', 'xdp');
      else run('tc', ['filter', 'add', ...filter, 'bpf', 'da', 'obj', file, 'sec', 'tc']);
      try {
        return body();
      } finally {
        this.attached--;
        if (xdp) ip('link', 'set', 'dev', DEVICE, place, 'off');
        else run('tc', ['filter', 'del', ...filter]);
      }
    });
  }

  /** Runs `body` in the namespace while only the host's own networks can be reached. */
  withoutDefaultRoute<T>(family: Family, body: () => T): T {
    const route = ['default', 'via', PEER[family]];
    const version = family === 'v4' ? '-4' : '-6';
    return this.namespace.run(() => {
      ip(version, 'route', 'del', ...route);
      try {
        return body();
      } finally {
        ip(version, 'route', 'add', ...route);
      }
    });
  }

  /** What iptables answers to each frame. */
  iptables(family: Family, chain: BuiltinChain, type: RejectType, frames: readonly Sent[]): readonly string[] {
    return this.withRule(family, chain, type, () => this.exchange(frames));
  }

  /** What an attached object answers to each frame. */
  program(place: Place, object: Uint8Array, frames: readonly Sent[]): readonly string[] {
    return this.withObject(place, object, () => this.exchange(frames));
  }

  private exchange(frames: readonly Sent[]): readonly string[] {
    return frames.map((sent) => {
      this.read();
      writeSync(
        this.tap,
        this.offloading ? Uint8Array.from([...offloadHeader(sent.offload), ...sent.frame]) : sent.frame,
      );
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
      const bytes = this.buffer.slice(this.offloading ? OFFLOAD_HEADER : 0, length);
      // Multicast is no answer.
      if ((bytes[0] & 1) === 0) frames.push(Buffer.from(bytes).toString('hex'));
    }
  }
}
