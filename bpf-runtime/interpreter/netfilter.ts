import { HELPER } from '../../codegen/bytecode/instruction.js';
import { findMember } from '../../codegen/object/kernel-struct.js';
import type { KernelStruct } from '../../codegen/object/spec.js';
import type { PacketConnection } from './devices.js';
import { Fault } from './fault.js';
import { bytesIn, bytesOut, sizeIn, type Environment, type Helper, type HelperTable } from './helpers/helper.js';
import type { KernelAddress } from './kernel-objects.js';
import type { Memory } from './memory.js';
import { ERRNO } from './maps/map.js';

/** A packet behind the IP stack: at a netfilter hook, or at a socket. */
export interface HookPacket {
  /** The frame as it came, or would have; the IP packet starts at `network`. */
  readonly frame: Uint8Array;
  readonly network: number;
  /** Bytes of the IP packet (skb->len). Default: the rest of the frame. */
  readonly length?: number;
  /** Offset in the IP packet where a socket's filter gets it from (skb->data). Default 0. */
  readonly data?: number;
  /** Bytes of the IP packet that lie in one piece. Default: all. */
  readonly linear?: number;
  /** Whether the link header still lies in front of the packet, as it does for one that arrived. */
  readonly linkHeader: boolean;
  /** Indices of the devices of the hook's state. */
  readonly input?: number;
  readonly output?: number;
  readonly mark?: number;
  /** skb->nf_trace. */
  readonly traced?: boolean;
  /** skb->pkt_type. */
  readonly packetType?: number;
  /** enum ip_conntrack_info; absent: the packet was not looked at, or is no valid one. */
  readonly connection?: PacketConnection;
  /** RTN_* of the packet's route; absent: it has none. */
  readonly routeType?: number;
}

/** Where `struct bpf_nf_ctx` has its pointers. */
const CONTEXT = { state: 0, skb: 8, bytes: 16 } as const;
/** As the bytes lie in memory. */
const ETHERTYPE_IPV4 = 0x0008n;
const ETHERTYPE_IPV6 = 0xdd86n;
/** BPF_HDR_START_NET. */
const START_NET = 1;
/** What says that there is no link header (skb_mac_header_was_set). */
const NO_MAC_HEADER = 0xffff;
/** First word of a dynptr here; the kernel's own layout is its own business. */
const DYNPTR_MARK = 0x736b6264;

/** Structs that are laid out for each packet. */
type WrittenStruct = 'sk_buff' | 'sk_buff___trace' | 'nf_hook_state' | 'nf_conn' | 'rtable';

/** Types of programs that see packets behind the IP stack. */
export type HookType = 'netfilter' | 'cgroup' | 'socket';

/**
 * The context of a program behind the IP stack, `struct bpf_nf_ctx` or `struct __sk_buff` (which such programs do not
 * read), with the structs of the kernel that it leads to, as a spec lays them out.
 */
export class HookContext {
  readonly high: number;
  private readonly skbHigh: number;
  private data = 0;
  private linear = 0;
  /** The IP packet of the run. */
  packet: Uint8Array = new Uint8Array(0);
  private readonly context = viewOf(CONTEXT.bytes);
  private readonly state: DataView;
  private readonly skb: DataView;
  private readonly entry: DataView;
  private readonly entryHigh: number;
  private readonly route: DataView;
  private readonly routeHigh: number;
  private readonly byName: ReadonlyMap<string, KernelStruct>;

  constructor(
    private readonly type: HookType,
    private readonly memory: Memory,
    structs: readonly KernelStruct[],
    private readonly device: (index: number) => KernelAddress | undefined,
  ) {
    this.byName = new Map(structs.map((struct) => [struct.name, struct]));
    const bytes = (struct: string): number => this.byName.get(struct)?.bytes ?? 8;
    this.state = viewOf(bytes('nf_hook_state'));
    this.skb = viewOf(bytes('sk_buff'));
    this.entry = viewOf(bytes('nf_conn'));
    this.high = memory.map(this.context, 0, CONTEXT.bytes, 'the context', 'read');
    setAddress(
      this.context,
      CONTEXT.state,
      0,
      memory.map(this.state, 0, this.state.byteLength, 'nf_hook_state', 'read'),
    );
    this.skbHigh = memory.map(this.skb, 0, this.skb.byteLength, 'sk_buff', 'read');
    setAddress(this.context, CONTEXT.skb, 0, this.skbHigh);
    this.entryHigh = memory.map(this.entry, 0, this.entry.byteLength, 'nf_conn', 'read');
    this.route = viewOf(bytes('rtable'));
    this.routeHigh = memory.map(this.route, 0, this.route.byteLength, 'rtable', 'read');
  }

  /** Lays the packet out; the frame is mapped until the next run. */
  load(input: HookPacket): void {
    const { frame, network, length = frame.length - network, data = 0, connection } = input;
    this.packet = frame.slice(network, network + length);
    this.data = data;
    this.linear = input.linear ?? length;
    // What lies in pages is at no address that a program knows.
    const there = new DataView(frame.buffer, frame.byteOffset);
    const head = this.memory.map(there, 0, network + this.linear, 'the packet', 'read');
    this.set('sk_buff', 'len', BigInt(length - data));
    this.set('sk_buff', 'data_len', BigInt(length - this.linear));
    this.set('sk_buff', 'network_header', BigInt(network));
    this.set('sk_buff', 'protocol', this.packet[0] >> 4 === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
    this.set('sk_buff', 'mark', BigInt((input.mark ?? 0) >>> 0));
    this.set('sk_buff', '__pkt_type_offset', BigInt(input.packetType ?? 0));
    // The highest bit of what is a bit field in the kernel.
    this.set('sk_buff___trace', 'nf_trace', input.traced === true ? 0x80n : 0n);
    this.set('sk_buff', 'mac_header', BigInt(input.linkHeader ? 0 : NO_MAC_HEADER));
    this.set('sk_buff', 'head', addressOf(0, head));
    this.set('sk_buff', 'data', addressOf(network + data, head));
    this.set('sk_buff', 'dev', this.deviceAddress(input.input ?? input.output));
    this.set('nf_hook_state', 'in', this.deviceAddress(input.input));
    this.set('nf_hook_state', 'out', this.deviceAddress(input.output));
    this.set('nf_conn', 'status', connection?.status ?? 0n);
    const entry = connection?.tracked === true ? addressOf(0, this.entryHigh) : 0n;
    this.set('sk_buff', '_nfct', entry | BigInt(connection?.info ?? 0));
    this.set('rtable', 'rt_type', BigInt(input.routeType ?? 0));
    this.set('sk_buff', '_skb_refdst', input.routeType === undefined ? 0n : addressOf(0, this.routeHigh));
  }

  /** Address of the packet's `struct sk_buff`, the same in every run. */
  get packetAddress(): bigint {
    return new DataView(this.context.buffer).getBigUint64(CONTEXT.skb, true);
  }

  private deviceAddress(index: number | undefined): bigint {
    const address = index === undefined ? undefined : this.device(index);
    return address === undefined ? 0n : addressOf(address.low, address.high);
  }

  /** Sets a member, if the spec has it. */
  private set(struct: WrittenStruct, member: string, value: bigint): void {
    const known = this.byName.get(struct)?.members.find(({ name }) => name === member);
    if (known === undefined) return;
    const { offset } = findMember(this.byName, struct, member);
    const view = this.viewOfStruct(struct);
    for (let i = 0; i < known.bytes; i++) view.setUint8(offset + i, Number((value >> BigInt(8 * i)) & 0xffn));
  }

  private viewOfStruct(struct: WrittenStruct): DataView {
    switch (struct) {
      case 'sk_buff':
      case 'sk_buff___trace':
        return this.skb;
      case 'nf_hook_state':
        return this.state;
      case 'nf_conn':
        return this.entry;
      case 'rtable':
        return this.route;
    }
  }

  /** `bpf_dynptr_from_skb(skb, flags, dynptr)`. */
  private makeDynptr(env: Environment): void {
    const { machine } = env;
    const view = new DataView(this.context.buffer);
    if (machine.hi[1] !== view.getInt32(CONTEXT.skb + 4, true) || machine.lo[1] !== 0) {
      throw new Fault('bad-argument', 'r1 is not the packet');
    }
    const dynptr = bytesOut(env, 3, 16).fill(0);
    new DataView(dynptr.buffer, dynptr.byteOffset).setUint32(0, DYNPTR_MARK, true);
    machine.answer(0);
  }

  helpers(env: Environment): HelperTable {
    if (this.type === 'netfilter') return [[HELPER.dynptr_read, () => this.read(env)]];
    return [
      [HELPER.skb_load_bytes, () => this.loadBytes(env)],
      [HELPER.skb_load_bytes_relative, () => this.loadRelative(env)],
    ];
  }

  kfuncs(env: Environment): readonly (readonly [string, Helper])[] {
    const reading = ['bpf_rdonly_cast', () => castAddress(env)] as const;
    if (this.type === 'netfilter') return [['bpf_dynptr_from_skb', () => this.makeDynptr(env)], reading];
    return [['bpf_cast_to_kern_ctx', () => this.cast(env)], reading];
  }

  /** `bpf_cast_to_kern_ctx(__sk_buff)`. */
  private cast({ machine }: Environment): void {
    this.requireContext(machine);
    machine.lo[0] = 0;
    machine.hi[0] = this.skbHigh;
  }

  private requireContext({ lo, hi }: Environment['machine']): void {
    if (hi[1] !== this.high || lo[1] !== 0) throw new Fault('bad-argument', 'r1 is not the context');
  }

  /** `bpf_skb_load_bytes_relative(skb, offset, to, len, BPF_HDR_START_NET)` (net/core/filter.c): the linear part alone. */
  private loadRelative(env: Environment): void {
    const { lo } = env.machine;
    this.loadAt(env, lo[5] === START_NET && lo[2] >>> 0 <= 0xffff ? 0 : Infinity, this.linear);
  }

  /** `bpf_skb_load_bytes(skb, offset, to, len)`: what lies in front of the packet's data is refused. */
  private loadBytes(env: Environment): void {
    const inFront = env.machine.lo[2] < 0;
    this.loadAt(env, inFront ? Infinity : this.data, this.packet.length);
  }

  private loadAt(env: Environment, base: number, end: number): void {
    const { machine } = env;
    this.requireContext(machine);
    const size = sizeIn(env, 4, false);
    const to = bytesOut(env, 3, size);
    const from = base + (machine.lo[2] >>> 0);
    const inside = from + size <= end;
    to.set(inside ? this.packet.subarray(from, from + size) : new Uint8Array(size));
    machine.answer(inside ? 0 : ERRNO.EFAULT);
  }

  /** `bpf_dynptr_read(dst, len, dynptr, offset, flags)` (kernel/bpf/helpers.c). */
  private read(env: Environment): void {
    const { machine } = env;
    const size = sizeIn(env, 2, true);
    const to = bytesOut(env, 1, size);
    const dynptr = bytesIn(env, 3, 16);
    if (new DataView(dynptr.buffer, dynptr.byteOffset).getUint32(0, true) !== DYNPTR_MARK) {
      throw new Fault('bad-argument', 'r3 is no dynptr');
    }
    const offset = machine.lo[4] >>> 0;
    const inside = machine.hi[5] === 0 && machine.lo[5] === 0 && offset + size <= this.packet.length;
    if (inside) to.set(this.packet.subarray(offset, offset + size));
    machine.answer(inside ? 0 : ERRNO.E2BIG);
  }
}

/**
 * `bpf_rdonly_cast(address, type)`: the address as it is. The kernel gives 0 for what cannot be read through it; here such a read is a fault, since
 * no program is to make one.
 */
function castAddress({ machine }: Environment): void {
  machine.lo[0] = machine.lo[1];
  machine.hi[0] = machine.hi[1];
}

function viewOf(bytes: number): DataView {
  return new DataView(new ArrayBuffer(bytes));
}

function addressOf(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function setAddress(view: DataView, offset: number, low: number, high: number): void {
  view.setInt32(offset, low, true);
  view.setInt32(offset + 4, high, true);
}
