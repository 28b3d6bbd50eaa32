import { closeSync } from 'node:fs';
import { type BuiltinChain, type Family, isLeaving } from '../../grammar/model/family.js';
import type { Surroundings } from '../../grammar/model/packet.js';
import { AddressTypes } from './address-types.js';
import { run } from './command.js';
import { ARPHRD_LOOPBACK, interfaceIndex, isInterfaceName, openTap, setTapType } from './device.js';
import { RuntimeError } from './error.js';
import { NetworkNamespace } from './namespace.js';
import { RoutingTable } from './route.js';
import { openPacketSocket } from './socket.js';
import { setSysctl, setSysctlIfPresent } from './sysctl.js';

export interface TestbedOptions {
  readonly family: Family;
  /** The chain that packets are to reach: routes are laid so that every destination leads there. */
  readonly chain: BuiltinChain;
  /** Names of the interfaces to begin with; further ones come as {@link Testbed.device} is asked for them. */
  readonly interfaces?: readonly string[];
  /** Ethernet address of all interfaces. Frames for other unicast addresses are ignored, as on a real host. */
  readonly mac?: string;
  /** Addresses with prefix length of interfaces: `{ eth0: ['192.0.2.1/24'] }`. 127.0.0.1/8 and ::1 are always there. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  /**
   * Prefixes whose addresses are this host's own, on no interface in particular. REJECT answers in a packet's
   * destination address at INPUT only if that is local.
   */
  readonly local?: readonly string[];
  /** Group of each interface, by its name; default 0. */
  readonly groups?: (name: string) => number;
}

export interface TestbedDevice {
  readonly name: string;
  readonly index: number;
  /** Descriptor: frames written to it arrive at the device. Of a TAP, frames read from it have left the device. */
  readonly fd: number;
  readonly kind: 'tap' | 'loopback';
}

/** Ethernet address of a testbed's interfaces unless it is told another. */
export const TESTBED_MAC = '02:00:00:00:00:02';

/**
 * Name of the loopback device. At INPUT and PREROUTING it is the `lo` of the rules, with what only a loopback device
 * may do (::1, no Ethernet addresses to match). Elsewhere packets must leave by `lo` without coming in again: a TAP
 * has the name.
 */
function loopbackName(chain: BuiltinChain): string {
  return chain === 'INPUT' || chain === 'PREROUTING' ? 'lo' : '_lo';
}
const LOOPBACK_MTU = 70_000;
/** Routes of packets that came in. Table numbers and preferences are the testbed's own: the namespace is new. */
const INGRESS_TABLE = 100;
const LOOPBACK_TABLE = 101;
const INGRESS_PREFERENCE = 10;
const LOCAL_PREFERENCE = 100;
/** No interface's name: where packets without an output interface go after `deliverHere`. */
const HERE = '';
/** Largest MTU of a TAP device. */
const MTU = 65521;

const SYSCTLS4: Readonly<Record<string, number>> = {
  rp_filter: 0,
  accept_local: 1,
  route_localnet: 1,
  accept_source_route: 1,
  send_redirects: 0,
  accept_redirects: 0,
};

const SYSCTLS6: Readonly<Record<string, number>> = {
  accept_dad: 0,
  accept_ra: 0,
  autoconf: 0,
  accept_redirects: 0,
  router_solicitations: 0,
};

function setForFamily(family: Family, chain: BuiltinChain): void {
  const version = family === 'v4' ? 'ipv4' : 'ipv6';
  for (const scope of ['all', 'default']) {
    for (const [name, value] of Object.entries(family === 'v4' ? SYSCTLS4 : SYSCTLS6)) {
      setSysctlIfPresent(`net/${version}/conf/${scope}/${name}`, value);
    }
    setSysctl(`net/${version}/conf/${scope}/forwarding`, chain === 'FORWARD' ? 1 : 0);
  }
  if (family === 'v4') setSysctlIfPresent('net/ipv6/conf/default/disable_ipv6', 1);
  setSysctlIfPresent('net/ipv4/ip_early_demux', 0);
  // Every REJECT is to be answered.
  setSysctlIfPresent('net/ipv4/icmp_ratelimit', 0);
  setSysctlIfPresent('net/ipv4/icmp_msgs_per_sec', 1_000_000_000);
  setSysctlIfPresent('net/ipv4/icmp_msgs_burst', 1_000_000_000);
  setSysctlIfPresent('net/ipv6/icmp/ratelimit', 0);
  // Pieces wait for each other whatever comes between them.
  setSysctlIfPresent('net/ipv4/ipfrag_max_dist', 0);
  setSysctlIfPresent('net/ipv4/ipfrag_high_thresh', 1 << 28);
  setSysctlIfPresent('net/ipv6/ip6frag_high_thresh', 1 << 28);
}

/** Packets for this host end after INPUT, when conntrack has confirmed them: no protocol answers them. */
function undelivered(family: Family): readonly string[] {
  const all = family === 'v4' ? '0.0.0.0/0' : '::/0';
  return [`xfrm policy add src ${all} dst ${all} dir in action block`];
}

/** Lines for `ip -batch`: rules before the local table, so that loopback and local destinations lead to the chain, too. */
function routing(family: Family, chain: BuiltinChain): readonly string[] {
  const localAfter = [`rule add preference ${LOCAL_PREFERENCE} lookup local`, 'rule del preference 0'];
  switch (chain) {
    case 'INPUT':
      return [
        ...localAfter,
        `route add local default dev ${loopbackName(chain)} table ${INGRESS_TABLE}`,
        ...undelivered(family),
      ];
    case 'FORWARD':
      return localAfter;
    case 'PREROUTING':
      return [...localAfter, `route add blackhole default table ${INGRESS_TABLE}`, ...undelivered(family)];
    case 'OUTPUT':
    case 'POSTROUTING':
      return [`rule add preference ${INGRESS_PREFERENCE} lookup main`, ...localAfter];
  }
}

/**
 * A network namespace in which packets reach one chain, whatever their addresses are: a TAP device for each interface
 * the rules name, and routes and sysctls that stand in nobody's way. Real iptables judges packets in it, and programs
 * are test-run in it, because they ask for the names and routes of the namespace.
 *
 * Nothing of it is on the file system; {@link close} or the end of the process removes it.
 */
export class Testbed {
  private readonly devices = new Map<string, TestbedDevice>();
  private forwardsTo: string | undefined;
  private undelivered = false;
  private readonly madeLocal = new Set<string>();
  private table: RoutingTable | undefined;
  private types: AddressTypes | undefined;

  private constructor(
    readonly namespace: NetworkNamespace,
    readonly family: Family,
    readonly chain: BuiltinChain,
    private readonly options: TestbedOptions,
  ) {}

  static create(options: TestbedOptions): Testbed {
    const namespace = NetworkNamespace.create();
    const testbed = new Testbed(namespace, options.family, options.chain, options);
    try {
      testbed.setUp();
    } catch (error) {
      testbed.close();
      throw error;
    }
    return testbed;
  }

  private setUp(): void {
    const { family, chain } = this;
    this.run(() => {
      setForFamily(family, chain);
      const lo = loopbackName(chain);
      const mac = this.options.mac ?? TESTBED_MAC;
      const loopback = [`link set dev lo address ${mac} mtu ${LOOPBACK_MTU} name ${lo}`, `link set dev ${lo} up`];
      const local = (this.options.local ?? []).map((prefix) => `route replace local ${prefix} dev ${lo} table local`);
      this.batch([...loopback, ...local, ...routing(family, chain)]);
      setSysctlIfPresent(`net/${family === 'v4' ? 'ipv4' : 'ipv6'}/conf/${lo}/disable_policy`, 0);
    });
    for (const name of this.options.interfaces ?? []) this.device(name);
  }

  private batch(lines: readonly string[]): void {
    run('ip', [this.family === 'v4' ? '-4' : '-6', '-batch', '-'], `${lines.join('\n')}\n`);
  }

  /** Runs `body` in the testbed's namespace: test runs of programs see its devices and routes there. */
  run<T>(body: () => T): T {
    return this.namespace.run(body);
  }

  /** The interface of that name, made if need be. Throws `bad-interface` for what cannot be a name. */
  device(name: string): TestbedDevice {
    return this.devices.get(name) ?? this.addDevice(name);
  }

  private addDevice(name: string): TestbedDevice {
    const loopback = loopbackName(this.chain);
    // What `ip -batch` would read as something else is refused, too.
    if (!isInterfaceName(name) || /["'\\#]/.test(name) || (name === loopback && name !== 'lo')) {
      throw new RuntimeError('bad-interface', `a packet cannot come or go by an interface named '${name}'`);
    }
    const device = this.run(() => (name === loopback ? this.openLoopback() : this.openTap(name)));
    this.devices.set(name, device);
    this.types = undefined;
    return device;
  }

  private openLoopback(): TestbedDevice {
    // A rule for packets from lo is one for what this host sends, too: of the families only IPv4 asks no route for the
    // type of an address, so IPv6 gets one address after the other (see acceptAtLoopback).
    if (this.chain === 'INPUT') {
      const table = this.family === 'v4' ? INGRESS_TABLE : LOOPBACK_TABLE;
      this.batch([`rule add preference ${INGRESS_PREFERENCE} iif lo lookup ${table}`]);
    }
    this.batch(this.groupLines('lo'));
    const index = interfaceIndex('lo');
    return { name: 'lo', index, fd: openPacketSocket(index), kind: 'loopback' };
  }

  private openTap(name: string): TestbedDevice {
    const fd = openTap(name);
    try {
      this.batch([`link set dev ${name} address ${this.options.mac ?? TESTBED_MAC}`]);
      // Packets from lo have no Ethernet address to match, wherever they go. The type takes the length of the address
      // with it: the address comes before.
      if (name === 'lo') setTapType(fd, ARPHRD_LOOPBACK);
      this.batch(this.deviceLines(name));
      return { name, index: interfaceIndex(name), fd, kind: 'tap' };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  private groupLines(name: string): readonly string[] {
    const { groups } = this.options;
    return groups === undefined ? [] : [`link set dev ${name} group ${groups(name)}`];
  }

  private deviceLines(name: string): readonly string[] {
    const addresses = this.options.addresses?.[name] ?? [];
    const lines = [
      // Without ARP no packet waits for a neighbour.
      `link set dev ${name} arp off mtu ${MTU} addrgenmode none`,
      ...this.groupLines(name),
      `link set dev ${name} up`,
      ...addresses.map((address) => `address add ${address} dev ${name}${this.family === 'v6' ? ' nodad' : ''}`),
      `route add default dev ${name} metric ${1000 + this.devices.size}`,
    ];
    if (!isLeaving(this.chain)) {
      lines.push(`rule add preference ${INGRESS_PREFERENCE} iif ${name} lookup ${INGRESS_TABLE}`);
    }
    return lines;
  }

  /** FORWARD: packets that come in from now on leave by this interface. */
  forwardTo(name: string): void {
    if (this.forwardsTo === name) return;
    this.table ??= this.run(() => new RoutingTable(this.family, INGRESS_TABLE));
    this.table.setDefault(this.device(name).index);
    this.forwardsTo = name;
  }

  /** FORWARD: packets that come in from now on are for this host, and so come to INPUT instead; there they end. */
  deliverHere(): void {
    if (this.forwardsTo === HERE) return;
    this.table ??= this.run(() => new RoutingTable(this.family, INGRESS_TABLE));
    if (!this.undelivered) this.run(() => this.batch(undelivered(this.family)));
    this.undelivered = true;
    this.table.setLocalDefault(this.run(() => interfaceIndex(loopbackName(this.chain))));
    this.forwardsTo = HERE;
  }

  /** IPv6 at INPUT: packets from lo to this address (16 bytes) are for this host from now on. */
  acceptAtLoopback(address: Uint8Array): void {
    const key = address.join();
    if (this.madeLocal.has(key)) return;
    this.table ??= this.run(() => new RoutingTable(this.family, LOOPBACK_TABLE));
    this.table.addLocal(address, this.device('lo').index);
    this.madeLocal.add(key);
  }

  /** What the reference evaluator has to know of this namespace to agree with it. */
  surroundings(): Surroundings {
    return {
      deviceGroup: (name) => this.options.groups?.(name) ?? 0,
      addressType: (_family, address, interfaceName) => {
        this.types ??= this.run(() => AddressTypes.read(this.family));
        return this.types.typeOf(address, interfaceName);
      },
    };
  }

  close(): void {
    for (const device of this.devices.values()) closeSync(device.fd);
    this.devices.clear();
    this.table?.close();
    this.table = undefined;
    this.namespace.close();
  }
}
