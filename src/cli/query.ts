import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import { BUILTIN_CHAINS, type BuiltinChain, type TableName } from '../../grammar/model/family.js';
import { answerJson, answerOf, answerText, EVERYTHING, SUMMARY } from '../query/answer.js';
import { parseQuery } from '../query/parse.js';
import { Question } from '../query/question.js';
import type { ChainPlace } from '../space/place.js';
import { FALSE } from '../space/diagram.js';
import { TooWideError } from '../space/explore.js';
import { BrokenTableError } from '../space/program.js';
import type { DumpOptions } from './dump.js';
import { EXIT, sayJson, show, tell, userError, visible, type ExitCode } from './output.js';
import { loadAsked } from './sides.js';

interface Options extends DumpOptions {
  readonly chain?: BuiltinChain;
  readonly table?: TableName;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Says what becomes of the packets of a query. Exit 0: answered; 2: trouble. */
export function run(path: string, text: string, options: Options): ExitCode {
  const side = loadAsked(path, options);
  const { ruleset, file } = side;
  const place = placeOf(side.places, options);
  const parsed = parseQuery(text, ruleset.family);
  if (!parsed.ok) {
    tellQueryFault(parsed.diagnostic, text);
    throw userError('bad-query', 'the query cannot be read (see ipt2bpf query --help)');
  }
  const { condition } = parsed;
  asking(file, place, () => {
    const question = new Question(ruleset, place, [condition]);
    const region = question.packets(condition);
    if (region === FALSE) throw userError('no-packet', `no packet of chain ${place.chain} is like that`);
    const extent = options.all || options.json ? EVERYTHING : SUMMARY;
    const verdicts = answerOf(question, region, extent);
    const answer = { ...place, query: text, file, flows: question.flows(region), verdicts };
    if (options.json) sayJson(answerJson(answer));
    else show(answerText(answer, extent));
  });
  return EXIT.same;
}

/** Table filter and chain INPUT, or what is asked for, or what an object is about. */
export function placeOf(places: readonly ChainPlace[] | undefined, { chain, table }: Options): ChainPlace {
  const given = places?.find((place) => chain === undefined || place.chain === chain);
  const name = chain ?? given?.chain ?? 'INPUT';
  const found = table ?? given?.table ?? (BUILTIN_CHAINS.filter.includes(name) ? 'filter' : 'mangle');
  if (BUILTIN_CHAINS[found].includes(name)) return { table: found, chain: name };
  throw userError('no-chain', `table ${found} has no chain ${name}`);
}

/** What is asked about a chain, with trouble in words. */
export function asking<T>(file: string, { table, chain }: ChainPlace, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof TooWideError || error instanceof BrokenTableError)) throw error;
    throw userError('too-large', `${file}: table ${table}, chain ${chain}: ${error.message}`);
  }
}

function tellQueryFault({ column, length, code, message, hint }: Diagnostic, text: string): void {
  tell(`query:1:${column}: error[${code}]: ${message}${hint === undefined ? '' : ` (${hint})`}`);
  tell(`  ${visible(text)}\n  ${' '.repeat(column - 1)}${'^'.repeat(length)}`);
}
