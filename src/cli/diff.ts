import { SharedRules } from '../../grammar/index.js';
import { diffDumps, type RulesDiff } from '../diff/rules.js';
import { chainsToCompare, diffPackets, SUMMARY, type ChainChanges, type PacketDiffOptions } from '../diff/packets.js';
import { diffMarkdown } from '../diff/markdown.js';
import { diffHtml, diffJson, diffPcap, diffSarif, diffText } from '../diff/print.js';
import type { ChainPlace } from '../space/place.js';
import { TooWideError } from '../space/explore.js';
import { BrokenTableError } from '../space/program.js';
import type { DumpOptions } from './dump.js';
import { EXIT, say, sayJson, show, userError, visible, type ExitCode } from './output.js';
import { paintPatch, paintResult } from '../terminal/paint.js';
import { loadSide, type LoadedSide } from './sides.js';

interface Options extends DumpOptions {
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly all?: boolean;
  readonly format?: 'text' | 'markdown' | 'json' | 'sarif' | 'html' | 'pcap';
}

/** Compares what two rulesets do to every packet, and their rules. Exit 0: both are the same. */
export async function run(a: string, b: string, options: Options): Promise<ExitCode> {
  if (a === '-' && b === '-') throw userError('usage', 'only one side can be standard input');
  const reading = { ...options, shared: new SharedRules() };
  const [before, after] = [loadSide(a, reading), loadSide(b, reading)];
  const rules = await diffDumps(before, after);
  const chains = await compareSides(before, after, extentOf(options), rules);
  const different = chains.some(({ changes, omitted }) => changes.length + omitted > 0);
  const result = { before, after, rules, chains, strict: options.strict ?? false };
  switch (options.json ? 'json' : (options.format ?? 'text')) {
    case 'json':
      sayJson(diffJson(result));
      break;
    case 'sarif':
      sayJson(diffSarif(result));
      break;
    case 'html':
      say(diffHtml(result));
      break;
    case 'markdown':
      say(visible(diffMarkdown(result)));
      break;
    case 'pcap':
      process.stdout.write(diffPcap(result));
      break;
    case 'text':
      show(diffText(result, options.all ? Infinity : undefined), paintDifference);
  }
  return different || !rules.same ? EXIT.different : EXIT.same;
}

/** People are told less than programs, but for `--all`. */
function extentOf({ strict = false, all = false, json = false, format = 'text' }: Options): PacketDiffOptions {
  if (all) return { strict, pairs: Infinity, ranges: Infinity };
  return !json && (format === 'text' || format === 'markdown') ? { strict, ...SUMMARY } : { strict };
}

async function compareSides(
  before: LoadedSide,
  after: LoadedSide,
  extent: PacketDiffOptions,
  rules: RulesDiff,
): Promise<readonly ChainChanges[]> {
  if (before.ruleset.family !== after.ruleset.family) {
    const empty = [before, after].find(({ ruleset }) => ruleset.tables.length === 0);
    if (empty === undefined) throw userError('other-family', 'one side is about IPv4, the other about IPv6');
  }
  const places = placesOf(before, after);
  if (rules.same) return places.map((place) => ({ ...place, changes: [], omitted: 0 }));
  const chains: ChainChanges[] = [];
  for (const place of places) {
    try {
      chains.push(await diffPackets(before.ruleset, after.ruleset, place, extent));
    } catch (error) {
      if (!(error instanceof TooWideError || error instanceof BrokenTableError)) throw error;
      throw userError('too-large', `table ${place.table}, chain ${place.chain}: ${error.message}`);
    }
  }
  return chains;
}

/** Packets first, then the rules as a patch. */
function paintDifference(line: string): string {
  return /^[-+@]/.test(line) ? paintPatch(line) : paintResult(line);
}

/** The chains that both sides are asked about. */
function placesOf(before: LoadedSide, after: LoadedSide): readonly ChainPlace[] {
  const { places: left } = before;
  const { places: right } = after;
  if (left === undefined || right === undefined) {
    return left ?? right ?? chainsToCompare(before.ruleset, after.ruleset);
  }
  const both = left.filter((place) => right.some(({ table, chain }) => table === place.table && chain === place.chain));
  if (both.length === 0) throw userError('no-chain', 'the two sides are about different chains');
  return both;
}
