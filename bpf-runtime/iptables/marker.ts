import { closeSync } from 'node:fs';
import { attachTcxIngress, createArray, loadClassifier } from '../kernel/create.js';
import type { KernelMap } from '../kernel/map.js';
import { RuntimeError } from '../system/error.js';
import { SystemCallError } from '../system/libc.js';
import type { TestbedDevice } from '../system/testbed.js';

const BPF_PSEUDO_MAP_FD = 1;
/** Offset of mark in struct __sk_buff. */
const SKB_MARK = 8;

/** One instruction: code, destination and source register, offset, immediate (struct bpf_insn). */
function instruction(code: number, dst: number, src: number, offset: number, imm: number): readonly number[] {
  const o = offset & 0xffff;
  const i = imm >>> 0;
  return [code, dst | (src << 4), o & 0xff, o >> 8, i & 0xff, (i >> 8) & 0xff, (i >> 16) & 0xff, i >>> 24];
}

/** `skb->mark = map[0]; return TC_ACT_UNSPEC`, so that the packet goes on to the stack. */
function markProgram(mapFd: number): Uint8Array {
  return Uint8Array.from(
    [
      instruction(0xbf, 6, 1, 0, 0), // r6 = ctx
      instruction(0x62, 10, 0, -4, 0), // *(u32 *)(fp - 4) = 0
      instruction(0x18, 1, BPF_PSEUDO_MAP_FD, 0, mapFd), // r1 = map
      instruction(0, 0, 0, 0, 0),
      instruction(0xbf, 2, 10, 0, 0), // r2 = fp - 4
      instruction(0x07, 2, 0, 0, -4),
      instruction(0x85, 0, 0, 0, 1), // bpf_map_lookup_elem
      instruction(0x15, 0, 0, 2, 0), // if r0 == 0 skip
      instruction(0x61, 1, 0, 0, 0), // r1 = *(u32 *)r0
      instruction(0x63, 6, 1, SKB_MARK, 0), // skb->mark = r1
      instruction(0xb7, 0, 0, 0, -1), // r0 = TC_ACT_UNSPEC
      instruction(0x95, 0, 0, 0, 0), // exit
    ].flat(),
  );
}

const KEY = new Uint8Array(4);

/** Gives packets that come in a mark before any chain sees them, as a tc program at the ingress of their devices. */
export class IngressMarker {
  private readonly map: KernelMap = createArray(4, 1);
  private readonly program: number;
  private readonly links = new Map<string, number>();
  private mark = 0;

  constructor() {
    this.program = loadClassifier(markProgram(this.map.fd));
  }

  /** The mark of the packets from now on. */
  set(mark: number): void {
    if (mark === this.mark) return;
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, mark, true);
    this.map.update(KEY, value);
    this.mark = mark;
  }

  /** Attaches to a device, once; in its network namespace. Throws `no-mark` where the kernel cannot (before 6.6). */
  attach(device: TestbedDevice): void {
    if (this.links.has(device.name)) return;
    try {
      this.links.set(device.name, attachTcxIngress(this.program, device.index));
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      throw new RuntimeError('no-mark', `this kernel cannot mark packets at ingress: ${error.message}`);
    }
  }

  close(): void {
    for (const link of this.links.values()) closeSync(link);
    closeSync(this.program);
    this.map.close();
  }
}
