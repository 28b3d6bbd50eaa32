import { RuntimeError } from '../system/error.js';
import { SystemCallError } from '../system/libc.js';
import { allocate, type Memory, setPointer } from '../system/memory.js';
import { newAttr, tryBpf } from './bpf.js';
import { HOOK_NUMBER, PROTOCOL_FAMILY, type NetfilterHook } from './netfilter-hook.js';
import type { ProgramType } from './program-type.js';

/** What a program is run on. */
export interface TestRun {
  /** Ethernet frame without FCS. At least {@link shortestFrame} bytes. */
  readonly data: Uint8Array;
  readonly context?: TestContext;
  /** How often to run; the time is the mean. The packet is not restored between the runs. Default 1. */
  readonly repeat?: number;
}

export interface TestContext {
  /**
   * Index of the device that the frame came from, in the calling thread's network namespace. XDP: `ingress_ifindex`
   * and the device behind it. tc: `ingress_ifindex` and, unless given, `ifindex`, the device of the skb.
   */
  readonly ingressInterface?: number;
  /** tc: device of the skb (`ifindex`); at egress where the frame leaves. Its MAC decides `pkt_type`. */
  readonly interface?: number;
  /** tc: skb->mark. */
  readonly mark?: number;
  /** tc: skb->priority. */
  readonly priority?: number;
  /** tc: skb->cb, up to 5 words. */
  readonly cb?: readonly number[];
  /** netfilter: where the packet is; default OUTPUT of IPv4, where `data` has no Ethernet header. */
  readonly netfilter?: NetfilterHook;
}

export interface TestResult {
  /** What the program returned, 32 bits unsigned (tc's −1 is 0xffffffff). */
  readonly result: number;
  /** The frame after the program: a copy. */
  readonly data: Uint8Array;
  /** The context after the program (`xdp_md`, `__sk_buff`): a copy; empty where no context was given. */
  readonly context: Uint8Array;
  /** Mean time of a run, as the kernel measures it. */
  readonly durationNs: number;
}

const XDP_MD_BYTES = 24;
const SK_BUFF_BYTES = 192;
const HOOK_STATE_BYTES = 48;
/** Offsets in struct nf_hook_state (include/linux/netfilter.h); the rest must be zero. */
const HOOK_STATE = { hook: 0, pf: 1 } as const;
/** Offsets in struct __sk_buff (include/uapi/linux/bpf.h). */
const SK_BUFF = { mark: 8, priority: 32, ingress_ifindex: 36, ifindex: 40, cb: 48 } as const;
const XDP_MD = { data_end: 4, ingress_ifindex: 12 } as const;
/** Room for what a program adds to the frame. */
const GROWTH = 4096;
const EINVAL = 22;
const ETHERNET_HEADER = 14;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** A page less the room before the frame and behind it: more does not fit for tc (bpf_test_init). */
const LONGEST_TC_FRAME = 3520;

/** Offsets in the part of union bpf_attr that BPF_PROG_TEST_RUN reads. */
const ATTR = {
  prog_fd: 0,
  retval: 4,
  data_size_in: 8,
  data_size_out: 12,
  data_in: 16,
  data_out: 24,
  repeat: 32,
  duration: 36,
  ctx_size_in: 40,
  ctx_size_out: 44,
  ctx_in: 48,
  ctx_out: 56,
} as const;

/**
 * Runs one program on packets, with buffers that are allocated once. As net/bpf/test_run.c does it: XDP
 * (bpf_prog_test_run_xdp) starts with `data` as it is; tc (bpf_prog_test_run_skb) makes an skb of the device (or of
 * lo) by eth_type_trans, so that the destination MAC decides `pkt_type`, with `mark`, `priority`, `ifindex`,
 * `ingress_ifindex` and `cb` as given; a VLAN tag stays in the data, where a real ingress has moved it to the skb.
 * Programs of cgroups and sockets as those of tc. netfilter (bpf_prog_test_run_nf): the packet has no connection, comes
 * from the loopback device, and `in` is always empty.
 * Frames past a page: XDP gets the rest as fragments, behind `data_end`; tc refuses them.
 */
export class TestRunner {
  private readonly attr: Memory = newAttr();
  private readonly contextIn: Memory;
  private readonly contextOut: Memory;
  private dataIn: Memory = allocate(0);
  private dataOut: Memory = allocate(0);

  constructor(
    fd: number,
    private readonly type: ProgramType,
  ) {
    const bytes = type === 'xdp' ? XDP_MD_BYTES : type === 'netfilter' ? HOOK_STATE_BYTES : SK_BUFF_BYTES;
    this.contextIn = allocate(bytes);
    this.contextOut = allocate(bytes);
    this.attr.view.setUint32(ATTR.prog_fd, fd, true);
    this.resize(2048);
  }

  private resize(bytes: number): void {
    this.dataIn = allocate(bytes);
    this.dataOut = allocate(bytes + GROWTH);
    setPointer(this.attr, ATTR.data_in, this.dataIn);
    setPointer(this.attr, ATTR.data_out, this.dataOut);
  }

  private setContext(context: TestContext, bytes: number): void {
    const { view } = this.contextIn;
    const device = context.ingressInterface ?? 0;
    if (this.type === 'xdp') {
      view.setUint32(XDP_MD.data_end, bytes, true);
      view.setUint32(XDP_MD.ingress_ifindex, device, true);
      return;
    }
    if (this.type === 'netfilter') {
      const { family, hook } = context.netfilter ?? { family: 'v4', hook: 'OUTPUT' };
      view.setUint8(HOOK_STATE.hook, HOOK_NUMBER[hook]);
      view.setUint8(HOOK_STATE.pf, PROTOCOL_FAMILY[family]);
      return;
    }
    view.setUint32(SK_BUFF.mark, context.mark ?? 0, true);
    view.setUint32(SK_BUFF.priority, context.priority ?? 0, true);
    view.setUint32(SK_BUFF.ingress_ifindex, device, true);
    view.setUint32(SK_BUFF.ifindex, context.interface ?? device, true);
    for (let i = 0; i < 5; i++) view.setUint32(SK_BUFF.cb + 4 * i, context.cb?.[i] ?? 0, true);
  }

  private attachContext(used: boolean): void {
    const { view } = this.attr;
    view.setUint32(ATTR.ctx_size_in, used ? this.contextIn.bytes.length : 0, true);
    view.setUint32(ATTR.ctx_size_out, used ? this.contextOut.bytes.length : 0, true);
    setPointer(this.attr, ATTR.ctx_in, used ? this.contextIn : undefined);
    setPointer(this.attr, ATTR.ctx_out, used ? this.contextOut : undefined);
  }

  /**
   * Throws `short-packet` and `long-packet` where the kernel makes no packet of so few or so many bytes, SystemCallError
   * otherwise.
   */
  run(request: TestRun): TestResult {
    const { data, context } = request;
    if (data.length > this.dataIn.bytes.length) this.resize(data.length * 2);
    this.dataIn.bytes.set(data);
    const { view } = this.attr;
    view.setUint32(ATTR.data_size_in, data.length, true);
    view.setUint32(ATTR.data_size_out, this.dataOut.bytes.length, true);
    view.setUint32(ATTR.repeat, request.repeat ?? 1, true);
    if (context !== undefined) this.setContext(context, data.length);
    this.attachContext(context !== undefined);
    const result = tryBpf('PROG_TEST_RUN', this.attr);
    if (result < 0) throw this.failure(-result, data);
    return {
      result: view.getUint32(ATTR.retval, true),
      data: this.dataOut.bytes.slice(0, view.getUint32(ATTR.data_size_out, true)),
      context: this.contextOut.bytes.slice(0, context === undefined ? 0 : view.getUint32(ATTR.ctx_size_out, true)),
      durationNs: view.getUint32(ATTR.duration, true),
    };
  }

  private failure(errno: number, data: Uint8Array): Error {
    if (errno === EINVAL && data.length < shortestFrame(this.type, data)) {
      return new RuntimeError('short-packet', `the kernel makes no test packet of ${data.length} bytes`);
    }
    if (errno === EINVAL && this.type !== 'xdp' && data.length > LONGEST_TC_FRAME) {
      return new RuntimeError('long-packet', `the kernel makes no ${this.type} test packet of ${data.length} bytes`);
    }
    return new SystemCallError('BPF_PROG_TEST_RUN', errno, `${this.type}, ${data.length} bytes`);
  }
}

/**
 * Bytes of the shortest frame that a test run takes: an Ethernet header, and for tc a whole fixed IP header behind it
 * where the EtherType says IPv4 or IPv6 (measured on Linux 6.18; older kernels take shorter ones).
 */
export function shortestFrame(type: ProgramType, frame: Uint8Array): number {
  if (type === 'xdp' || frame.length < ETHERNET_HEADER) return ETHERNET_HEADER;
  const etherType = (frame[12] << 8) | frame[13];
  if (etherType === ETHERTYPE_IPV4) return ETHERNET_HEADER + 20;
  if (etherType === ETHERTYPE_IPV6) return ETHERNET_HEADER + 40;
  return ETHERNET_HEADER;
}
