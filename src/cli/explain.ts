import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import { describeStep } from '../evaluate/index.js';
import { explainPacket, NoSuchQuestion, type Explanation } from '../explain/index.js';
import { parsePacketText, type PacketText } from '../packet/index.js';
import { loadRules, type DumpOptions, type LoadedDump } from './dump.js';
import { EXIT, sayJson, show, tell, userError, type ExitCode } from './output.js';

interface Options extends DumpOptions {
  readonly packet: string;
  readonly chain?: BuiltinChain;
  readonly table?: TableName;
  readonly json?: boolean;
}

/** Follows a packet through a chain. Exit 0: the verdict is certain; 1: it hangs on what is not known; 2: trouble. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const dump = loadRules(path, options);
  const explanation = explained(dump, readPacket(options.packet), options);
  const { packet, table, chain } = explanation;
  const subject = { packet, table, chain };
  if (explanation.kind === 'never') {
    if (options.json) sayJson({ ...subject, reaches: false, why: explanation.why });
    else show(`${packet}\nnever reaches chain ${chain}: ${explanation.why}`);
    return EXIT.same;
  }
  const { evaluation, possible, conclusion } = explanation;
  const steps = evaluation.trace.map((step) => describeStep(step, dump.ruleset.family));
  if (options.json) {
    const { trace: _trace, ...rest } = evaluation;
    sayJson({ ...subject, reaches: true, steps, possible, ...rest });
  } else {
    show([packet, `table ${table}, chain ${chain}`, ...steps, conclusion].join('\n'));
  }
  return possible.length === 1 ? EXIT.same : EXIT.different;
}

function explained({ ruleset, file }: LoadedDump, packet: PacketText, { chain, table }: Options): Explanation {
  try {
    return explainPacket(ruleset, packet, {
      ...(chain === undefined ? {} : { chain }),
      ...(table === undefined ? {} : { table }),
    });
  } catch (error) {
    if (error instanceof NoSuchQuestion) throw userError('no-chain', `${file}: ${error.message}`);
    throw error;
  }
}

function readPacket(text: string): PacketText {
  const parsed = parsePacketText(text);
  if (parsed.ok) return parsed.text;
  for (const d of parsed.diagnostics) {
    tell(`--packet:1:${d.column}: error[${d.code}]: ${d.message}${d.hint === undefined ? '' : ` (${d.hint})`}`);
    tell(`  ${text}\n  ${' '.repeat(d.column - 1)}${'^'.repeat(Math.max(1, d.length))}`);
  }
  throw userError('bad-packet', 'the packet cannot be read');
}
