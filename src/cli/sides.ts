import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readObject } from '../../codegen/object/read.js';
import { ObjectError } from '../../codegen/object/error.js';
import type { Manifest } from '../../codegen/program/manifest.js';
import { BUILTIN_CHAINS, type BuiltinChain, type Family } from '../../grammar/model/family.js';
import { bindSets, parseSets } from '../../grammar/sets/index.js';
import type { ChainPlace } from '../space/place.js';
import { loadRulesFrom, loadText, parseText, withSets, type DumpOptions, type LoadedDump } from './dump.js';
import { readInput } from './files.js';
import { tell, userError } from './output.js';

/** One side of a comparison. */
export interface LoadedSide extends LoadedDump {
  /** The chains that are asked for, or that an object judges; all of the dump if left out. */
  readonly places?: readonly ChainPlace[];
  readonly manifest?: Manifest;
}

const BUILTIN = new Set<string>(Object.values(BUILTIN_CHAINS).flat());

/** Reads a dump, an object (the dump in its manifest) or the host's rules (`live`), each with `:CHAIN` behind it or not. */
export function loadSide(word: string, options: DumpOptions): LoadedSide {
  return sideOf(word, options, loadOneOfTwo);
}

/** As {@link loadSide}, where the answer is about this side alone: a file without a table is no firewall. */
export function loadAsked(word: string, options: DumpOptions): LoadedSide {
  return sideOf(word, options, loadRulesFrom);
}

type LoadFile = (bytes: Buffer, name: string, options: DumpOptions) => LoadedDump;

function loadOneOfTwo(bytes: Buffer, name: string, options: DumpOptions): LoadedDump {
  return withSets(loadText(name, options, bytes), options.ipset);
}

function sideOf(word: string, options: DumpOptions, load: LoadFile): LoadedSide {
  const { name, chain } = splitChain(word);
  const side: LoadedSide = name === 'live' && !existsSync('live') ? liveRules(options) : fileSide(name, options, load);
  if (chain === undefined) return side;
  const tables = side.places?.map(({ table }) => table) ?? side.ruleset.tables.map(({ name: table }) => table);
  const places = [...new Set(tables)]
    .filter((table) => BUILTIN_CHAINS[table].includes(chain))
    .map((table): ChainPlace => ({ table, chain }));
  if (places.length === 0) throw userError('no-chain', `${name}: no table in it has a chain ${chain}`);
  return { ...side, places };
}

function splitChain(word: string): { readonly name: string; readonly chain?: BuiltinChain } {
  if (word === '-' || existsSync(word)) return { name: word };
  const at = word.lastIndexOf(':');
  const chain = at < 0 ? '' : word.slice(at + 1);
  if (isBuiltin(chain)) return { name: word.slice(0, at), chain };
  if (at > 0 && existsSync(word.slice(0, at))) {
    throw userError('no-chain', `${word}: ${chain} is no built-in chain, and only these can be compared`);
  }
  return { name: word };
}

function isBuiltin(chain: string): chain is BuiltinChain {
  return BUILTIN.has(chain);
}

function fileSide(name: string, options: DumpOptions, load: LoadFile): LoadedSide {
  const bytes = readInput(name);
  const isObject = bytes.subarray(0, 4).toString('latin1') === '\x7fELF';
  return isObject ? objectSide(name, bytes, options) : load(bytes, name, options);
}

/** What an object says that it was compiled from. */
function objectSide(name: string, bytes: Buffer, options: DumpOptions): LoadedSide {
  const manifest = manifestOf(name, bytes);
  tell(`ipt2bpf: ${name}: compared is the dump in its manifest, not its code`);
  return manifestSide(name, manifest, options);
}

/** The dump in a manifest, and the chains that its object judges. */
export function manifestSide(name: string, manifest: Manifest, options: DumpOptions): LoadedSide {
  const file = `${name} (manifest: ${manifest.sourceFile})`;
  const dump = parseText(manifest.source, file, { ...options, family: manifest.family });
  const { sets } = manifest;
  const { ruleset } = sets === undefined ? dump : withSetsText(dump, sets.text);
  const places = manifest.programs.map(({ chain }): ChainPlace => ({ table: manifest.table, chain }));
  return { ...dump, ruleset, places, manifest };
}

/** A dump with the sets of a manifest. */
export function withSetsText<T extends LoadedDump>(dump: T, text: string): T {
  return { ...dump, ruleset: bindSets(dump.ruleset, parseSets(text).sets) };
}

/** The manifest of an object; trouble if the file is none of ours. */
export function manifestOf(name: string, bytes: Uint8Array): Manifest {
  try {
    const manifest: Manifest = JSON.parse(readObject(bytes).manifest);
    return manifest;
  } catch (error) {
    if (error instanceof ObjectError || error instanceof SyntaxError) {
      throw userError('bad-object', `${name}: this is no object of ipt2bpf: ${error.message}`);
    }
    throw error;
  }
}

const TOOLS: Readonly<Record<Family, string>> = { v4: 'iptables-save', v6: 'ip6tables-save' };

function liveRules(options: DumpOptions): LoadedDump {
  const family = options.family ?? 'v4';
  const tool = TOOLS[family];
  const text = execFileSync(tool, { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'inherit'] });
  return withSets(parseText(text, `<${tool}>`, { ...options, family }), options.ipset);
}
