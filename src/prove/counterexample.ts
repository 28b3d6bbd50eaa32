import type { Packet } from '../../grammar/model/packet.js';
import { ObjectComparison } from '../verify/compare-object.js';
import { generatePackets } from '../verify/generate.js';
import { declaredStates, type ConnectionState } from '../verify/connection-state.js';
import { InterpreterMachine } from '../verify/interpreter-machine.js';
import { NetfilterInterpreter } from '../verify/netfilter-interpreter.js';
import { isWireHook, knowsConnection } from '../../codegen/program/place.js';
import type { Mismatch, VerifyJob } from '../verify/job.js';
import type { ObjectMachine } from '../verify/object-machine.js';
import { Random } from '../verify/random.js';
import { examplesAtEntry, examplesAtRule } from './candidates.js';
import type { Example } from './entry-model.js';
import type { Proof } from './prove.js';

/** A packet on which an object does something else than the rules, seen in the interpreter. */
export interface Counterexample {
  readonly packet: Packet;
  /** Of its connection, where the program can see it. */
  readonly state?: ConnectionState;
  readonly what: Mismatch['what'] | 'fault';
  readonly want: string;
  readonly have: string;
  /** What the kernel does with it, where it could be asked. */
  readonly kernel?: string;
}

const MAX_DIFFERENCES = 20;
const RANDOM_PACKETS = 4000;

/**
 * Looks for a packet that shows a difference: first those that the proof names, then directed ones. Only what the
 * interpreter does is evidence; a difference without one is no counterexample.
 */
export function findCounterexample(
  job: VerifyJob,
  proof: Extract<Proof, { kind: 'differs' }>,
): Counterexample | undefined {
  const random = new Random(1);
  const { chain } = job;
  for (const difference of proof.entryDifferences.slice(0, MAX_DIFFERENCES)) {
    const found = firstMismatch(job, examplesAtEntry(proof.entry, difference, chain, random));
    if (found !== undefined) return found;
  }
  for (const difference of proof.differences.slice(0, MAX_DIFFERENCES)) {
    if (proof.chain === undefined) break;
    const found = firstMismatch(job, examplesAtRule(proof.chain, difference, chain, random));
    if (found !== undefined) return found;
  }
  const { ruleset, table } = job;
  const packets = generatePackets(ruleset, { table, chain, count: RANDOM_PACKETS, seed: 1 });
  const states = declaredStates(packets.length, 1);
  return firstMismatch(
    job,
    packets.map((packet, i) => ({ packet, state: states[i] })),
  );
}

/** The first of the packets that the object decides or counts otherwise than the reference. */
export function firstMismatch(job: VerifyJob, examples: readonly Example[]): Counterexample | undefined {
  if (examples.length === 0) return undefined;
  const packets = examples.map(({ packet }) => packet);
  const known = knowsConnection(job.analysis.view);
  const states = known ? examples.map(({ state }) => state ?? (['INVALID'] as const)) : undefined;
  const asked: VerifyJob = { ...job, packets, ...(states === undefined ? {} : { states }) };
  const wire = isWireHook(job.manifest.hook);
  const machine = new Watched(wire ? new InterpreterMachine(asked) : new NetfilterInterpreter(asked));
  try {
    const [mismatch] = new ObjectComparison(asked, 'interpreter', machine, 1).run().mismatches;
    if (mismatch === undefined) return undefined;
    return { ...mismatch, ...(states === undefined ? {} : { state: states[mismatch.index] }) };
  } catch (error) {
    if (!(error instanceof Error) || machine.failed === undefined) throw error;
    return { packet: machine.failed, what: 'fault', want: 'a verdict', have: error.message };
  }
}

/** Remembers the packet at which a program stumbles. */
class Watched implements ObjectMachine {
  failed: Packet | undefined;

  constructor(private readonly machine: ObjectMachine) {}

  unaskable(packet: Packet): string | undefined {
    return this.machine.unaskable(packet);
  }

  run(packet: Packet, index: number): ReturnType<ObjectMachine['run']> {
    this.failed = packet;
    const verdict = this.machine.run(packet, index);
    this.failed = undefined;
    return verdict;
  }

  counters(): ReturnType<ObjectMachine['counters']> {
    return this.machine.counters();
  }

  close(): void {
    this.machine.close();
  }
}
