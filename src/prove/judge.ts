import type { VerifyJob } from '../verify/job.js';
import { findCounterexample, type Counterexample } from './counterexample.js';
import { prove, type Proof } from './prove.js';
import type { Judgement } from './report.js';

/** Proves the object of a job, or looks for a packet that refutes it, and asks the kernel about that where it can. */
export async function judge(job: VerifyJob): Promise<Judgement> {
  const { ruleset, object, manifest, chain } = job;
  const proof = prove({ ruleset, object, manifest, chain });
  if (proof.kind !== 'differs') return proof;
  const example = findCounterexample(job, proof);
  if (example === undefined) return { kind: 'not-proved', reason: reasonOf(proof) };
  const kernel = await askKernel(job, example);
  return { kind: 'refuted', example: { ...example, ...(kernel === undefined ? {} : { kernel }) } };
}

function reasonOf({ differences, entryDifferences }: Extract<Proof, { kind: 'differs' }>): string {
  const [rule] = differences;
  if (rule !== undefined) {
    return `rule ${rule.at + 1} of chain ${rule.chain} and its code differ (${rule.what}), but no packet shows it`;
  }
  const [entry] = entryDifferences;
  return `the reading of packets differs (${entry.what}), but no packet shows it`;
}

async function askKernel(job: VerifyJob, { packet }: Counterexample): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return undefined;
  const { KernelMachine } = await import('../verify/kernel-machine.js');
  let machine;
  try {
    machine = new KernelMachine({ ...job, packets: [packet] });
    return machine.unaskable(packet) ?? machine.run(packet);
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
    return `not asked: ${line}`;
  } finally {
    machine?.close();
  }
}
