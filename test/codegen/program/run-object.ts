import { Interpreter, type InterpreterOptions } from '../../../bpf-runtime/interpreter/index.js';
import { readObject } from '../../../codegen/object/read.js';

/** u64 packets, u64 bytes; an element of the map may hold several. */
const COUNTER_BYTES = 16;
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
    return [...this.interpreter.map('counters').entries()].flatMap(([, value]) => {
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
      return Array.from({ length: value.length / COUNTER_BYTES }, (_, i) => ({
        packets: view.getBigUint64(COUNTER_BYTES * i, true),
        bytes: view.getBigUint64(COUNTER_BYTES * i + 8, true),
      }));
    });
  }

  /** Indices of the counters that have counted a packet since they were cleared; for one CPU. */
  counted(): readonly number[] {
    return this.counters().flatMap(({ packets }, index) => (packets > 0n ? [index] : []));
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
