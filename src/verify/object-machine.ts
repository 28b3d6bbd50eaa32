import type { Packet } from '../../grammar/model/packet.js';
import type { Hook } from '../../codegen/program/manifest.js';
import type { Verdict } from './job.js';

/** Packets and bytes of each entry of the map `counters`, interleaved, as plain numbers. */
export type CounterValues = Float64Array;

/** Something that runs a compiled object. */
export interface ObjectMachine {
  /** Why this packet cannot be asked about; undefined where it can. */
  unaskable(packet: Packet): string | undefined;
  /** `index`: the packet's place in the job. */
  run(packet: Packet, index: number): Verdict;
  counters(): CounterValues;
  close(): void;
}

const RESULTS: Readonly<Record<Hook, Readonly<Record<number, Verdict>>>> = {
  xdp: { 1: 'drop', 2: 'accept', 3: 'reject' },
  tc: { 0xffffffff: 'accept', 2: 'drop', 7: 'reject' },
  netfilter: { 0: 'drop', 1: 'accept' },
  cgroup: { 0: 'drop', 1: 'accept' },
  socket: { 0: 'drop', 0xffffffff: 'accept' },
};

export function verdictOfResult(hook: Hook, result: number): Verdict {
  const verdict = RESULTS[hook][result];
  if (verdict === undefined) throw new Error(`the program returned ${result}, which is no result of ${hook}`);
  return verdict;
}
