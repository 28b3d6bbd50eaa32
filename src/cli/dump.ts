import { isUtf8 } from 'node:buffer';
import { parseDump, type SharedRules } from '../../grammar/index.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Family } from '../../grammar/model/family.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { bindSets, parseSets } from '../../grammar/sets/index.js';
import { readInput } from './files.js';
import { EXIT, tell, tellDiagnostics, UserError, userError } from './output.js';
import { recogniseBytes, recogniseText } from './recognise.js';

/** The most that `iptables-save` or `ipset save` may have printed: 500,000 rules are some 30 MB. */
const MOST_DUMP_BYTES = 64 << 20;

export interface LoadedDump {
  readonly ruleset: Ruleset;
  readonly text: string;
  readonly file: string;
  /** What `ipset save` printed, where it was given; its sets are in the ruleset. */
  readonly ipset?: string;
}

export interface DumpOptions {
  readonly family?: Family;
  /** File with what `ipset save` printed. */
  readonly ipset?: string;
  /** Of the other dumps that are read. */
  readonly shared?: SharedRules;
}

/** Reads and parses a dump; its errors are printed, and end the command with exit code 2. */
export function loadDump(path: string, options: DumpOptions, bytes = readInput(path)): LoadedDump {
  const file = nameOf(path);
  return parseText(textOf(bytes, file), file, options);
}

/** As `loadDump`, of a text that is there already. */
export function parseText(text: string, file: string, options: DumpOptions): LoadedDump {
  const { ruleset, diagnostics } = parseDump(text, {
    file,
    shared: options.shared,
    ...(options.family === undefined ? {} : { family: options.family }),
  });
  const errors = diagnostics.filter((d) => d.severity === 'error').length;
  const other = errors === 0 ? undefined : recogniseText(text);
  if (other !== undefined) throw new UserError(`${file}:1:1: error[not-a-dump]: this is ${other}`);
  tellDiagnostics(diagnostics, file, text);
  if (errors > 0) {
    const count = `${errors} ${errors === 1 ? 'error' : 'errors'}`;
    throw new UserError(`ipt2bpf: ${file}: ${count}${otherFamily(text, ruleset, options)}`, EXIT.trouble);
  }
  return { ruleset, text, file };
}

/** What helps where the dump is about the other IP version, and its name says this one. */
function otherFamily(text: string, { family, file }: Ruleset, options: DumpOptions): string {
  if (options.family !== undefined) return '';
  const other = family === 'v4' ? 'v6' : 'v4';
  const { diagnostics } = parseDump(text, { family: other, ...(file === undefined ? {} : { file }) });
  if (diagnostics.some(({ severity }) => severity === 'error')) return '';
  const [read, right] = family === 'v4' ? ['IPv4', 'IPv6'] : ['IPv6', 'IPv4'];
  return ` (it was read as ${read}; as ${right}, with --family ${other}, it has none)`;
}

/**
 * A dump with something in it. An empty one is what `iptables-save` prints to those who are not root: an answer about
 * it would be taken for one about the firewall.
 */
export function loadRules(path: string, options: DumpOptions): LoadedDump {
  return loadRulesFrom(readInput(path), path, options);
}

/** As {@link loadRules} of a file that has been read already. */
export function loadRulesFrom(bytes: Buffer, path: string, options: DumpOptions): LoadedDump {
  const dump = withSets(loadDump(path, options, bytes), options.ipset);
  if (dump.ruleset.tables.length === 0) {
    throw userError('no-table', `${dump.file}: there is no table in it (iptables-save prints nothing without root)`);
  }
  return dump;
}

/** The dump with the sets of a file; errors in it are printed, and end the command with exit code 2. */
export function withSets(dump: LoadedDump, path: string | undefined): LoadedDump {
  if (path === undefined) return dump;
  const file = nameOf(path);
  const ipset = textOf(readInput(path), file);
  const { sets, diagnostics } = parseSets(ipset, { file });
  tellDiagnostics(diagnostics, file, ipset);
  const errors = diagnostics.length;
  if (errors > 0) throw new UserError(`ipt2bpf: ${file}: ${errors} ${errors === 1 ? 'error' : 'errors'}`, EXIT.trouble);
  return { ...dump, ruleset: bindSets(dump.ruleset, sets), ipset };
}

/** As `loadDump`, with a warning where the dump is empty. */
export function loadText(path: string, options: DumpOptions, bytes = readInput(path)): LoadedDump {
  const dump = loadDump(path, options, bytes);
  if (dump.ruleset.tables.length === 0) tell(`ipt2bpf: warning: ${dump.file}: there is no table in it`);
  return dump;
}

function nameOf(path: string): string {
  return path === '-' ? '<stdin>' : path;
}

function textOf(bytes: Buffer, file: string): string {
  const other = recogniseBytes(bytes);
  if (other !== undefined) throw new UserError(`${file}:1:1: error[not-a-dump]: this is ${other}`);
  if (bytes.length > MOST_DUMP_BYTES) {
    throw new UserError(`${file}:1:1: error[too-large]: the file is larger than ${MOST_DUMP_BYTES >> 20} MiB`);
  }
  const text = decoded(bytes, file);
  if (isUtf8(bytes)) return text;
  const diagnostics = undecodable(text);
  if (diagnostics.length === 0) return text;
  tellDiagnostics(diagnostics, file, text);
  throw userError('not-a-dump', `${file}: is not UTF-8 (convert it, e.g. with iconv -f latin1 -t utf8)`);
}

function decoded(bytes: Buffer, file: string): string {
  try {
    return bytes.toString('utf8');
  } catch {
    throw userError('too-large', `${file}: the file is too large`);
  }
}

/** Two names of other bytes must not become one name of replacement characters. Comments of the file may. */
function undecodable(text: string): readonly Diagnostic[] {
  return text.split('\n').flatMap((line, index): readonly Diagnostic[] => {
    const at = line.startsWith('#') ? -1 : line.indexOf('\ufffd');
    if (at < 0) return [];
    const message = 'the line holds bytes that are not UTF-8';
    return [{ line: index + 1, column: at + 1, length: 1, code: 'not-utf8', severity: 'error', message }];
  });
}
