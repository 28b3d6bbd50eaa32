/**
 * Names and groups of network devices, read from the kernel's own structs at run time: a device that is renamed or comes later is
 * seen as iptables sees it. Offsets are relocated (CO-RE); the program must be GPL and be loaded with CAP_PERFMON, on a
 * kernel with CONFIG_NET_NS where devices are looked up by index.
 */
import {
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  addFieldOffset,
  alu64,
  callHelper,
  callKfunc,
  goto,
  jump32,
  jump64,
  lddw,
  load,
  mov64,
  reg,
  store,
  storeImm,
  type Instruction,
} from '../bytecode/instruction.js';
import type { KernelStruct, KfuncSpec } from '../object/spec.js';

/** `bpf_cast_to_kern_ctx` (kernel/bpf/helpers.c): the kernel's own context behind `xdp_md` or `__sk_buff`; Linux ≥ 6.2. */
export const CAST_KFUNC: KfuncSpec = { name: 'bpf_cast_to_kern_ctx', params: ['void *'], returns: 'void *' };

/** IFNAMSIZ: bytes of a device's name with its NUL. */
export const DEVICE_NAME_BYTES = 16;

/**
 * What is read of the kernel's structs (include/net/xdp.h, include/linux/skbuff.h, include/linux/netdevice.h,
 * include/net/net_namespace.h). The offsets here are of no kernel: a dense layout that an interpreter can provide.
 */
export const DEVICE_STRUCTS: readonly KernelStruct[] = [
  { name: 'xdp_buff', bytes: 8, members: [{ name: 'rxq', offset: 0, bytes: 8, type: 'pointer' }] },
  { name: 'xdp_rxq_info', bytes: 8, members: [{ name: 'dev', offset: 0, bytes: 8, type: 'pointer' }] },
  { name: 'sk_buff', bytes: 8, members: [{ name: 'dev', offset: 0, bytes: 8, type: 'pointer' }] },
  {
    name: 'net_device',
    bytes: 48,
    members: [
      { name: 'name', offset: 0, bytes: DEVICE_NAME_BYTES, type: 'chars' },
      { name: 'index_hlist', offset: 16, bytes: 16, type: { struct: 'hlist_node' } },
      { name: 'nd_net', offset: 32, bytes: 8, type: { struct: 'possible_net_t' } },
      { name: 'ifindex', offset: 40, bytes: 4 },
      { name: 'group', offset: 44, bytes: 4 },
    ],
  },
  { name: 'possible_net_t', bytes: 8, members: [{ name: 'net', offset: 0, bytes: 8, type: 'pointer' }] },
  { name: 'net', bytes: 8, members: [{ name: 'dev_index_head', offset: 0, bytes: 8, type: 'pointer' }] },
  {
    name: 'hlist_node',
    bytes: 16,
    members: [
      { name: 'next', offset: 0, bytes: 8, type: 'pointer' },
      { name: 'pprev', offset: 8, bytes: 8, type: 'pointer' },
    ],
  },
];

/** NETDEV_HASHENTRIES (include/linux/netdevice.h); dev_index_hash in net/core/dev.c takes the index modulo this. */
const INDEX_BUCKETS = 256;
/** struct hlist_head: one pointer. */
const HLIST_HEAD_BYTES = 8;
/** Devices looked at in one bucket: enough for 16,384 devices of consecutive indices. */
export const MAX_BUCKET_DEVICES = 64;

export interface InputDevice {
  readonly hook: 'xdp' | 'tc';
  /** Offset from r10 of the 16 bytes for the name; a multiple of 8. */
  readonly result: number;
}

/**
 * The name of the device that the packet came in on (tc egress: goes out on), NUL-padded to 16 bytes.
 * In: r6 = the program's context. Out: the name at r10 + `result`. Clobbers r0–r5. No other stack, no labels.
 */
export function inputDeviceName({ hook, result }: InputDevice): readonly Instruction[] {
  return [
    ...device(hook),
    addFieldOffset(R0, 'net_device', 'name'),
    load(8, R1, R0, 0),
    load(8, R2, R0, 8),
    ...padWithNul(),
    store(8, R10, result, R1),
    store(8, R10, result + 8, R2),
  ];
}

/**
 * The group of the same device, 4 bytes at r10 + `result` (a multiple of 4). In: r6 = the program's context. Clobbers
 * r0–r5.
 */
export function inputDeviceGroup({ hook, result }: InputDevice): readonly Instruction[] {
  return [...device(hook), addFieldOffset(R0, 'net_device', 'group'), load(4, R1, R0, 0), store(4, R10, result, R1)];
}

export interface DeviceByIndex extends InputDevice {
  /** Offset from r10 of the 4 bytes of the index; a multiple of 4. */
  readonly index: number;
  /** Offset from r10 of the 4 bytes for the group, where that is asked for; a multiple of 4. */
  readonly group?: number;
  /** Offset from r10 of {@link INDEX_SCRATCH_BYTES} bytes; a multiple of 8. */
  readonly scratch: number;
  /** Start of the names of the labels used, five of them; unique in the function. */
  readonly label: string;
}

export const INDEX_SCRATCH_BYTES = 24;

/**
 * The name of the device with a given index in the network namespace of the packet's device, as __dev_get_by_index
 * (net/core/dev.c) finds it: a walk along one bucket of the namespace's table of indices.
 * In: r6 = the program's context, the index at r10 + `index`. Out: r0 = 1 and the name, NUL-padded to 16 bytes, at r10 +
 * `result`, and its group at r10 + `group`; r0 = 0, 16 zeros and no group where there is no such device (or it is not among the first
 * {@link MAX_BUCKET_DEVICES} of its bucket). Clobbers r0–r5 and the scratch bytes. Ends behind its last instruction
 * on every way, whose label is `label` + `_done`.
 */
export function deviceNameByIndex({
  hook,
  index,
  result,
  group,
  scratch,
  label,
}: DeviceByIndex): readonly Instruction[] {
  const [next, found, missing, done] = ['next', 'found', 'missing', 'done'].map((part) => `${label}_${part}`);
  const node = scratch;
  const nodeIndex = scratch + 8;
  const left = scratch + 16;
  return [
    storeImm(8, R10, result, 0),
    storeImm(8, R10, result + 8, 0),
    ...device(hook),
    addFieldOffset(R0, 'net_device', 'nd_net.net'),
    load(8, R0, R0, 0),
    addFieldOffset(R0, 'net', 'dev_index_head'),
    load(8, R3, R0, 0),
    load(4, R1, R10, index),
    alu64('and', R1, INDEX_BUCKETS - 1),
    alu64('mul', R1, HLIST_HEAD_BYTES),
    alu64('add', R3, reg(R1)),
    ...probeRead(node, 8, missing),
    // Through a register: older kernels forget a constant that is stored as an immediate, and with it the loop's end.
    mov64(R1, MAX_BUCKET_DEVICES),
    store(8, R10, left, R1),
    { ...load(8, R3, R10, node), label: next },
    jump64('jeq', R3, 0, missing),
    ...fromNode('ifindex'),
    ...probeRead(nodeIndex, 4, missing),
    load(4, R1, R10, nodeIndex),
    load(4, R2, R10, index),
    jump32('jeq', R1, reg(R2), found),
    load(8, R3, R10, node),
    addFieldOffset(R3, 'hlist_node', 'next'),
    ...probeRead(node, 8, missing),
    load(8, R1, R10, left),
    alu64('sub', R1, 1),
    store(8, R10, left, R1),
    jump64('jne', R1, 0, next),
    { ...mov64(R0, 0), label: missing },
    goto(done),
    { ...load(8, R3, R10, node), label: found },
    ...(group === undefined ? [] : [...fromNode('group'), ...probeRead(group, 4, missing), load(8, R3, R10, node)]),
    ...fromNode('name'),
    ...probeRead(result, DEVICE_NAME_BYTES, missing),
    load(8, R1, R10, result),
    load(8, R2, R10, result + 8),
    ...padWithNul(),
    store(8, R10, result, R1),
    store(8, R10, result + 8, R2),
    mov64(R0, 1),
    { ...mov64(R1, 0), label: done },
  ];
}

/** r0 = the packet's `struct net_device`, a pointer that the verifier knows and lets be read. In: r6 = context. */
function device(hook: InputDevice['hook']): readonly Instruction[] {
  const cast = [mov64(R1, reg(R6)), callKfunc(CAST_KFUNC.name)];
  if (hook === 'tc') return [...cast, addFieldOffset(R0, 'sk_buff', 'dev'), load(8, R0, R0, 0)];
  return [
    ...cast,
    addFieldOffset(R0, 'xdp_buff', 'rxq'),
    load(8, R0, R0, 0),
    addFieldOffset(R0, 'xdp_rxq_info', 'dev'),
    load(8, R0, R0, 0),
  ];
}

/** r3 = address of the member of the `net_device` whose `index_hlist` r3 points to. */
function fromNode(member: 'ifindex' | 'name' | 'group'): readonly Instruction[] {
  const node = { kind: 'field-offset', struct: 'net_device', member: 'index_hlist' } as const;
  return [{ ...alu64('sub', R3, 0), reference: node }, addFieldOffset(R3, 'net_device', member)];
}

/** Copies `bytes` of kernel memory at r3 to r10 + `to`; goes to `failed` where there is none. */
function probeRead(to: number, bytes: number, failed: string): readonly Instruction[] {
  return [
    mov64(R1, reg(R10)),
    alu64('add', R1, to),
    mov64(R2, bytes),
    callHelper('probe_read_kernel'),
    jump64('jne', R0, 0, failed),
  ];
}

/**
 * Clears what stands behind the NUL of the name in r1 (first 8 bytes as they lie in memory) and r2: a device that was
 * renamed keeps the end of its longer old name there (strscpy in dev_change_name). Clobbers r0, r3–r5.
 */
export function padWithNul(): readonly Instruction[] {
  return [
    lddw(R4, 0x0101010101010101n),
    lddw(R5, 0x8080808080808080n),
    ...clearBehindNul(R1),
    // All ones where r0 = 0, else nothing: a NUL in the first half ends the second, too.
    mov64(R3, reg(R0)),
    alu64('neg', R3, 0),
    alu64('or', R3, reg(R0)),
    alu64('arsh', R3, 63),
    alu64('xor', R3, -1),
    alu64('and', R2, reg(R3)),
    ...clearBehindNul(R2),
  ];
}

/**
 * `(x − 0x01…01) & ~x & 0x80…80` (left in r0) has its lowest bit in the first zero byte of a little-endian `x`, and
 * all of `x` below that bit is the name. It is 0 where there is no zero byte; then `0 − 1` keeps all.
 */
function clearBehindNul(x: number): readonly Instruction[] {
  return [
    mov64(R0, reg(x)),
    alu64('sub', R0, reg(R4)),
    mov64(R3, reg(x)),
    alu64('xor', R3, -1),
    alu64('and', R0, reg(R3)),
    alu64('and', R0, reg(R5)),
    mov64(R3, reg(R0)),
    alu64('neg', R3, 0),
    alu64('and', R3, reg(R0)),
    alu64('sub', R3, 1),
    alu64('and', x, reg(R3)),
  ];
}
