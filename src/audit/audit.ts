import { createHash } from 'node:crypto';
import type { Manifest } from '../../codegen/program/manifest.js';
import { diffPackets, type ChainChanges } from '../diff/packets.js';
import { diffDumps, type DiffSide } from '../diff/rules.js';
import { judge } from '../prove/judge.js';
import type { ProofReport } from '../prove/report.js';
import type { VerifyJob } from '../verify/job.js';
import { recompile, type Recompiled } from './recompile.js';

export interface AuditInput {
  readonly object: Uint8Array;
  readonly manifest: Manifest;
  /** The dump in the manifest, and the one that the object is to be held against. */
  readonly built: DiffSide;
  readonly dump: DiffSide;
  /** One for each program that can be asked about. */
  readonly jobs: readonly VerifyJob[];
}

/** What is known of an object and a dump. */
export interface Audit extends AuditInput {
  /** The text in the manifest has the hash that stands beside it. */
  readonly hashHolds: boolean;
  readonly rulesSame: boolean;
  /** What the chains of the object do otherwise by now: verdicts, counting, logs, marks. */
  readonly drift: readonly ChainChanges[];
  readonly recompiled: Recompiled;
  readonly proofs: readonly ProofReport[];
}

/** Throws as `compareChains`. */
export async function audit(input: AuditInput): Promise<Audit> {
  const { object, manifest, built, dump, jobs } = input;
  const { same: rulesSame } = await diffDumps(built, dump);
  const drift: ChainChanges[] = [];
  for (const { chain } of rulesSame ? [] : manifest.programs) {
    drift.push(await diffPackets(built.ruleset, dump.ruleset, { table: manifest.table, chain }, { strict: true }));
  }
  const proofs: ProofReport[] = [];
  for (const job of jobs) proofs.push({ job, judgement: await judge(job) });
  return {
    ...input,
    hashHolds: createHash('sha256').update(manifest.source).digest('hex') === manifest.sourceHash,
    rulesSame,
    drift,
    recompiled: recompile(built.ruleset, manifest, object),
    proofs,
  };
}

/** `same`: the object says what the dump says; `unknown`: nothing speaks against it, and nothing shows it. */
export type AuditResult = 'same' | 'different' | 'unknown';

export function resultOf({ hashHolds, drift, recompiled, proofs }: Audit): AuditResult {
  if (!hashHolds || hasDrift(drift) || proofs.some(({ judgement }) => judgement.kind === 'refuted')) return 'different';
  const proved = proofs.length > 0 && proofs.every(({ judgement }) => judgement.kind === 'proved');
  return proved || recompiled.kind === 'same' ? 'same' : 'unknown';
}

export function hasDrift(drift: readonly ChainChanges[]): boolean {
  return drift.some(({ changes, omitted }) => changes.length + omitted > 0);
}
