import { Interpreter, type InterpreterOptions } from '../../../bpf-runtime/interpreter/index.js';
import { readObject } from '../../../codegen/object/read.js';

/** What an XDP program may return, by name. */
const XDP_RESULTS: Readonly<Record<number, string>> = { 1: 'drop', 2: 'accept', 3: 'answer' };

export interface Counted {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** An XDP object of chain INPUT in the in-process interpreter: every destination is this host's. */
export class RunningObject {
  private readonly interpreter: Interpreter;

  constructor(object: Uint8Array, options: InterpreterOptions = {}) {
    const notForwarded = 4;
    this.interpreter = new Interpreter(readObject(object), { fib: () => notForwarded, ...options });
  }

  judge(frame: Uint8Array, ifindex = 2): string {
    const { result } = this.interpreter.run({ packet: frame, context: { ingress_ifindex: ifindex } });
    return XDP_RESULTS[result] ?? `result ${result}`;
  }

  counters(): readonly Counted[] {
    return [...this.interpreter.map('counters').entries()].map(([, value]) => {
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
      return { packets: view.getBigUint64(0, true), bytes: view.getBigUint64(8, true) };
    });
  }

  /** Indices of the counters that have counted a packet since they were cleared; for one CPU. */
  counted(): readonly number[] {
    const indices: number[] = [];
    let index = 0;
    this.interpreter.map('counters').forEachValue((view, offset) => {
      if (view.getUint32(offset, true) > 0) indices.push(index);
      index++;
    });
    return indices;
  }

  /** Packets of one counter on each CPU. */
  packetsPerCpu(index: number): readonly bigint[] {
    const values = this.interpreter.map('counters').getPerCpu(index) ?? [];
    return values.map(({ buffer, byteOffset }) => new DataView(buffer, byteOffset).getBigUint64(0, true));
  }

  events(): readonly Uint8Array[] {
    return this.interpreter.events('events');
  }

  clear(): void {
    this.interpreter.clearMaps();
  }
}
