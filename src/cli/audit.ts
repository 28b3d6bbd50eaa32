import { audit, resultOf, type Audit, type AuditResult } from '../audit/audit.js';
import { auditJson, auditText } from '../audit/print.js';
import { TooWideError } from '../space/explore.js';
import { BrokenTableError } from '../space/program.js';
import type { DumpOptions } from './dump.js';
import { readInput } from './files.js';
import { EXIT, sayJson, show, tell, userError, type ExitCode } from './output.js';
import { jobsOf } from './prove.js';
import { loadSide, manifestOf, manifestSide, withSetsText, type LoadedSide } from './sides.js';

interface Options extends DumpOptions {
  readonly json?: boolean;
}

const EXITS: Readonly<Record<AuditResult, ExitCode>> = {
  same: EXIT.same,
  different: EXIT.different,
  unknown: EXIT.trouble,
};

/** Holds an object against a dump. Exit 0: it says what the dump says; 1: it does not; 2: not known, or trouble. */
export async function run(path: string, file: string, options: Options): Promise<ExitCode> {
  if (path === '-' && file === '-') throw userError('usage', 'only one file can be standard input');
  const object = new Uint8Array(readInput(file));
  const manifest = manifestOf(file, object);
  const built = manifestSide(file, manifest, options);
  const dump = withSetsOf(built, loadSide(path, { ...options, family: options.family ?? manifest.family }), options);
  if (dump.ruleset.family !== manifest.family) {
    throw userError(
      'other-family',
      `${file}: the object is for ${manifest.family}, the dump is ${dump.ruleset.family}`,
    );
  }
  const result = await auditing(() => audit({ object, manifest, built, dump, jobs: jobsOf(built, manifest, object) }));
  if (options.json) sayJson(auditJson(result, file));
  else show(auditText(result, file));
  return EXITS[resultOf(result)];
}

/** The sets of the object are those of the dump, where it is not said what they hold by now. */
function withSetsOf({ manifest }: LoadedSide, dump: LoadedSide, { ipset }: Options): LoadedSide {
  if (manifest?.sets === undefined || ipset !== undefined) return dump;
  tell('ipt2bpf: what the IP sets hold by now is not told (--ipset): they are taken to be as the object has them');
  return withSetsText(dump, manifest.sets.text);
}

async function auditing(ask: () => Promise<Audit>): Promise<Audit> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof TooWideError || error instanceof BrokenTableError)) throw error;
    throw userError('bad-object', `${error.message}`);
  }
}
