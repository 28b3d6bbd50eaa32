import { findMember } from '../../codegen/object/kernel-struct.js';
import type { KernelStruct } from '../../codegen/object/spec.js';
import { structObject, type KernelObject, type KernelValue } from './kernel-objects.js';

/** A network device of the packet's network namespace. */
export interface Device {
  readonly ifindex: number;
  /** At most 15 characters. */
  readonly name: string;
  /** As `ip link set … group` has it, 32 bits unsigned; default 0. */
  readonly group?: number;
}

/** NETDEV_HASHENTRIES (include/linux/netdevice.h). */
const INDEX_BUCKETS = 256;
const POINTER_BYTES = 8;
const NET = 'net';
const INDEX_HEADS = 'dev_index_head';

/** A connection that packets have with them: low bits of skb->_nfct, and whether there is an entry. */
export interface PacketConnection {
  /** enum ip_conntrack_info. */
  readonly info: number;
  readonly tracked: boolean;
  /** nf_conn.status. Default 0. */
  readonly status?: bigint;
}

/** Name of the kernel object behind the context of a packet on this device, of one of {@link connections}. */
export function contextObjectName(ifindex: number, connection?: PacketConnection): string {
  const name = `context of device ${ifindex}`;
  if (connection === undefined) return name;
  const { info, tracked, status = 0n } = connection;
  return `${name}, ${tracked ? 'connection' : 'none'} ${info} ${status}`;
}

/**
 * What the kernel knows of network devices, as far as the structs of the spec go: for each device its `net_device` and
 * a context (`xdp_buff` or `sk_buff`) of a packet on it, and the table by index of their network namespace.
 */
export function deviceObjects(
  structs: readonly KernelStruct[],
  context: 'xdp_buff' | 'sk_buff',
  devices: readonly Device[],
  connections: readonly PacketConnection[] = [],
): readonly KernelObject[] {
  const has = (struct: string): boolean => structs.some(({ name }) => name === struct);
  if (!has('net_device') || !has(context)) return [];
  const byIndex = has('net') && has('hlist_node');
  const layout = new Map(structs.map((struct) => [struct.name, struct]));
  const node = byIndex ? findMember(layout, 'net_device', 'index_hlist').offset : 0;
  const objects: KernelObject[] = devices.flatMap((device) => [
    ...contextObjects(structs, context, device),
    ...connections.flatMap((connection) => connected(structs, device, connection)),
    structObject(structs, 'net_device', deviceName(device), deviceMembers(structs, devices, device, node)),
  ]);
  if (!byIndex) return objects;
  const heads: KernelObject = {
    name: INDEX_HEADS,
    bytes: INDEX_BUCKETS * POINTER_BYTES,
    values: devices
      .filter((device) => before(devices, device) === undefined)
      .map((device) => ({ offset: bucket(device) * POINTER_BYTES, value: pointer(deviceName(device), node) })),
  };
  return [...objects, structObject(structs, 'net', NET, { dev_index_head: pointer(INDEX_HEADS) }), heads];
}

/** Bytes; of the loopback device, too. */
const ETHERNET_HEADER = 14;

/** ARPHRD_* (include/uapi/linux/if_arp.h): loopback or Ethernet. */
function hardwareType({ name }: Device): number {
  return name === 'lo' ? 772 : 1;
}

function pointer(to: string, offset = 0): KernelValue {
  return { kind: 'pointer', to, offset };
}

function deviceName({ ifindex }: Device): string {
  return deviceObjectName(ifindex);
}

/** Name of the kernel object of a device. */
export function deviceObjectName(ifindex: number): string {
  return `device ${ifindex}`;
}

function bucket({ ifindex }: Device): number {
  return ifindex % INDEX_BUCKETS;
}

function before(devices: readonly Device[], device: Device): Device | undefined {
  return devices.slice(0, devices.indexOf(device)).findLast((other) => bucket(other) === bucket(device));
}

function after(devices: readonly Device[], device: Device): Device | undefined {
  return devices.slice(devices.indexOf(device) + 1).find((other) => bucket(other) === bucket(device));
}

function contextObjects(
  structs: readonly KernelStruct[],
  context: 'xdp_buff' | 'sk_buff',
  device: Device,
): readonly KernelObject[] {
  const name = contextObjectName(device.ifindex);
  const dev = { dev: pointer(deviceName(device)) };
  if (context === 'sk_buff') return [structObject(structs, context, name, dev)];
  const queue = `receive queue of device ${device.ifindex}`;
  return [
    structObject(structs, context, name, { rxq: pointer(queue) }),
    structObject(structs, 'xdp_rxq_info', queue, dev),
  ];
}

/** The context of a packet that has its connection with it, and the entry. */
function connected(
  structs: readonly KernelStruct[],
  device: Device,
  connection: PacketConnection,
): readonly KernelObject[] {
  const { info, tracked, status = 0n } = connection;
  const name = contextObjectName(device.ifindex, connection);
  const entry = `entry of ${name}`;
  const _nfct: KernelValue = tracked ? pointer(entry, info) : { kind: 'number', bytes: 8, value: info };
  return [
    structObject(structs, 'sk_buff', name, { dev: pointer(deviceName(device)), _nfct }),
    structObject(structs, 'nf_conn', entry, { status: { kind: 'number', bytes: 8, value: status } }),
  ];
}

/** The members that the spec has: a program that reads the name alone needs no more. */
function deviceMembers(
  structs: readonly KernelStruct[],
  devices: readonly Device[],
  device: Device,
  node: number,
): Record<string, KernelValue> {
  const known = new Set(structs.find(({ name }) => name === 'net_device')?.members.map(({ name }) => name));
  const members: Record<string, KernelValue> = {};
  if (known.has('name')) members['name'] = { kind: 'chars', value: device.name };
  if (known.has('type')) members['type'] = { kind: 'number', bytes: 2, value: hardwareType(device) };
  if (known.has('hard_header_len')) members['hard_header_len'] = { kind: 'number', bytes: 2, value: ETHERNET_HEADER };
  if (known.has('ifindex')) members['ifindex'] = { kind: 'number', bytes: 4, value: device.ifindex };
  if (known.has('group')) members['group'] = { kind: 'number', bytes: 4, value: device.group ?? 0 };
  if (known.has('nd_net') && structs.some(({ name }) => name === 'possible_net_t'))
    members['nd_net.net'] = pointer(NET);
  if (!known.has('index_hlist')) return members;
  const next = after(devices, device);
  const previous = before(devices, device);
  if (next !== undefined) members['index_hlist.next'] = pointer(deviceName(next), node);
  members['index_hlist.pprev'] =
    previous === undefined ? pointer(INDEX_HEADS, bucket(device) * POINTER_BYTES) : pointer(deviceName(previous), node);
  return members;
}
