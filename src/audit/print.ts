import { COMPILER } from '../../codegen/program/version.js';
import { chainsOf } from '../../codegen/program/manifest.js';
import { chainJson, chainText } from '../diff/print.js';
import { proofJson, proofText } from '../prove/report.js';
import { hasDrift, resultOf, type Audit } from './audit.js';

/** For people. */
export function auditText(audit: Audit, file: string): string {
  const { manifest, hashHolds, built, dump, drift, proofs } = audit;
  const compiler = manifest.compiler === COMPILER ? 'this one' : `this is ${COMPILER}`;
  return [
    `${file}: ${manifest.table} ${chainsOf(manifest)} at ${manifest.hook}, ${manifest.mode}`,
    `compiler: ${manifest.compiler} (${compiler})`,
    `manifest: its dump, ${manifest.sourceFile}, has ${hashHolds ? 'the hash' : 'NOT the hash'} that it names`,
    `rules: ${rulesText(audit)}`,
    ...drift.flatMap((chain) => chainText(chain, built.file, dump.file)).map((line) => `  ${line}`.trimEnd()),
    `code: ${codeText(audit)}`,
    ...proofs.map((proof) => proofText(proof)),
    `=> ${conclusion(audit, file)}`,
  ].join('\n');
}

function rulesText({ rulesSame, drift, dump }: Audit): string {
  if (rulesSame) return `those of ${dump.file}`;
  if (hasDrift(drift)) return `DRIFTED: ${dump.file} does otherwise with these packets`;
  return `${dump.file} reads otherwise, and does the same with every packet of these chains`;
}

function codeText({ recompiled }: Audit): string {
  switch (recompiled.kind) {
    case 'same':
      return 'compiling the dump of the manifest again gives the same bytes';
    case 'other':
      return 'compiling the dump of the manifest again gives OTHER bytes';
    case 'refused':
      return `the dump of the manifest is refused by now: ${recompiled.reason}`;
  }
}

function conclusion(audit: Audit, file: string): string {
  const { dump, hashHolds, drift } = audit;
  switch (resultOf(audit)) {
    case 'same':
      return `${file} says what ${dump.file} says`;
    case 'unknown':
      return `not known: nothing speaks against ${file}, but it is neither proved nor what this compiler makes`;
    case 'different': {
      if (!hashHolds) return `${file} is not as the compiler wrote it`;
      return hasDrift(drift)
        ? `${file} no longer says what ${dump.file} says`
        : `${file} does not do what its rules say`;
    }
  }
}

/** One JSON document. */
export function auditJson(audit: Audit, file: string): unknown {
  const { manifest, hashHolds, rulesSame, drift, recompiled, proofs, dump } = audit;
  const { compiler, hook, table, mode, programs, sourceFile, sourceHash } = manifest;
  return {
    object: file,
    dump: dump.file,
    result: resultOf(audit),
    ...{ hook, table, chains: programs.map(({ chain }) => chain), mode },
    compiler: { name: compiler, same: compiler === COMPILER },
    manifest: { sourceFile, sourceHash, hashHolds },
    rulesSame,
    drift: drift.map(chainJson),
    recompiled,
    proofs: proofs.map(proofJson),
  };
}
