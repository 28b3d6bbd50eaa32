import { closeSync } from 'node:fs';
import { assemble } from '../../codegen/bytecode/assemble.js';
import { encode } from '../../codegen/bytecode/encode.js';
import {
  alu64,
  callHelper,
  exit,
  jump64,
  lddw,
  load,
  mov64,
  PSEUDO,
  R0,
  R1,
  R10,
  R2,
  R6,
  reg,
  store,
  storeImm,
} from '../../codegen/bytecode/instruction.js';
import { attachTcxIngress, createArray, loadClassifier } from '../kernel/create.js';
import type { KernelMap } from '../kernel/map.js';
import { RuntimeError } from '../system/error.js';
import { SystemCallError } from '../system/libc.js';
import type { TestbedDevice } from '../system/testbed.js';

/** Offset of mark in struct __sk_buff. */
const SKB_MARK = 8;
const TC_ACT_UNSPEC = -1;

/** `skb->mark = map[0]`; the packet goes on to the stack. */
function markProgram(mapFd: number): Uint8Array {
  const mapReference = { ...lddw(R1, BigInt(mapFd)), src: PSEUDO.MAP_FD };
  const instructions = [
    mov64(R6, reg(R1)),
    storeImm(4, R10, -4, 0),
    mapReference,
    mov64(R2, reg(R10)),
    alu64('add', R2, -4),
    callHelper('map_lookup_elem'),
    jump64('jeq', R0, 0, 'end'),
    load(4, R1, R0, 0),
    store(4, R6, SKB_MARK, R1),
    { ...mov64(R0, TC_ACT_UNSPEC), label: 'end' },
    exit(),
  ];
  return encode(assemble('mark', instructions));
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

  isAttached(device: TestbedDevice): boolean {
    return this.links.has(device.name);
  }

  /** Attaches to a device, in its network namespace. Throws `no-mark` where the kernel cannot (before 6.6). */
  attach(device: TestbedDevice): void {
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
