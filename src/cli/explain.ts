import { BUILTIN_CHAINS, type BuiltinChain, type TableName } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import { findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import {
  describeStep,
  evaluate,
  possibleVerdicts,
  reaches,
  surroundingsOracle,
  type Evaluation,
  type PossibleVerdicts,
  type Unknown,
  type Verdict,
} from '../evaluate/index.js';
import { parsePacketText, summarisePacket, type PacketText } from '../packet/index.js';
import { loadRules, type DumpOptions } from './dump.js';
import { EXIT, say, sayJson, tell, UserError, visible, type ExitCode } from './output.js';

interface Options extends DumpOptions {
  readonly packet: string;
  readonly chain?: BuiltinChain;
  readonly table?: TableName;
  readonly json?: boolean;
}

/** Follows a packet through a chain. Exit 0: the verdict is certain; 1: it hangs on what is not known; 2: trouble. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const { ruleset, file } = loadRules(path, options);
  const { packet, family, surroundings } = readPacket(options.packet);
  if (family !== ruleset.family) {
    throw new UserError(`ipt2bpf: the packet is ${name(family)}, the dump is ${name(ruleset.family)}`);
  }
  const chain = options.chain ?? chainOf(packet);
  const table = options.table ?? (chain === 'PREROUTING' ? 'raw' : 'filter');
  checkChain(ruleset, table, chain, file);
  const subject = { packet: summarisePacket(packet, surroundings), table, chain };
  const reach = reaches(packet, { family, hook: chain, route: chain === 'FORWARD' ? 'forward' : 'local' });
  if (reach.kind === 'never') {
    if (options.json) sayJson({ ...subject, reaches: false, why: reach.why });
    else say(`${subject.packet}\nnever reaches chain ${chain}: ${reach.why}`);
    return EXIT.same;
  }
  const oracle = surroundingsOracle(surroundings, packet, family);
  const question = { ruleset, table, chain, packet, oracle };
  const evaluation = evaluate({ ...question, trace: true });
  const possible = namesOf(evaluation.kind === 'decided' ? [evaluation.verdict] : listed(possibleVerdicts(question)));
  const steps = evaluation.trace.map((step) => describeStep(step, family));
  if (options.json) {
    const { trace: _trace, ...rest } = evaluation;
    sayJson({ ...subject, reaches: true, steps, possible, ...rest });
  } else {
    const lines = [subject.packet, `table ${table}, chain ${chain}`, ...steps, conclusion(evaluation, possible)];
    say(lines.map(visible).join('\n'));
  }
  return possible.length === 1 ? EXIT.same : EXIT.different;
}

function readPacket(text: string): PacketText {
  const parsed = parsePacketText(text);
  if (parsed.ok) return parsed.text;
  for (const d of parsed.diagnostics) {
    tell(`--packet:1:${d.column}: error[${d.code}]: ${d.message}${d.hint === undefined ? '' : ` (${d.hint})`}`);
    tell(`  ${text}\n  ${' '.repeat(d.column - 1)}${'^'.repeat(Math.max(1, d.length))}`);
  }
  throw new UserError('ipt2bpf: the packet cannot be read');
}

function checkChain(ruleset: Ruleset, table: TableName, chain: BuiltinChain, file: string): void {
  const known: readonly string[] = BUILTIN_CHAINS[table];
  if (!known.includes(chain)) throw new UserError(`ipt2bpf: table ${table} has no chain ${chain}`);
  if (findTable(ruleset, table) === undefined) throw new UserError(`ipt2bpf: ${file}: the dump has no table ${table}`);
}

const name = (family: 'v4' | 'v6'): string => (family === 'v4' ? 'IPv4' : 'IPv6');

/** The chain of the filter table that a packet with these interfaces meets. */
function chainOf(packet: Packet): BuiltinChain {
  if (packet.inInterface !== '' && packet.outInterface !== '') return 'FORWARD';
  return packet.outInterface === '' ? 'INPUT' : 'OUTPUT';
}

function listed({ accept, drop, reject }: PossibleVerdicts): readonly Verdict[] {
  const rejects = [...reject].map((type): Verdict => ({ reject: type }));
  return [...(accept ? ['accept' as const] : []), ...(drop ? ['drop' as const] : []), ...rejects];
}

const namesOf = (verdicts: readonly Verdict[]): readonly string[] =>
  verdicts.map((verdict) => (typeof verdict === 'string' ? verdict.toUpperCase() : `REJECT (${verdict.reject})`));

function conclusion(evaluation: Evaluation, possible: readonly string[]): string {
  const text = possible.join(' or ');
  if (evaluation.kind === 'unknown') {
    const { unknown } = evaluation;
    const asks = `rule ${unknown.rule.number} of ${unknown.rule.chain} asks what the packet does not say (${askedBy(unknown)})`;
    if (possible.length === 1) return `${asks}\n=> ${text}, whatever the answer`;
    return `${asks}${adviceFor(unknown)}\n=> ${text}`;
  }
  const { decision } = evaluation;
  switch (decision.by) {
    case 'rule':
      return `=> ${text} by rule ${decision.rule.number} of ${decision.rule.chain}`;
    case 'policy':
      return `=> ${text} by the policy of ${decision.chain}`;
    case 'hotdrop':
      return `=> ${text}: rule ${decision.rule.number} of ${decision.rule.chain} drops broken packets at once`;
  }
}

function askedBy(unknown: Unknown): string {
  if (unknown.kind === 'target') return `target ${unknown.target}`;
  if (unknown.test.name === 'set') return `set ${unknown.test.test.name}`;
  return unknown.test.name === 'module' ? unknown.test.module : unknown.test.name;
}

/** Only the state of the connection can be said in a packet's words, and the members of sets in a file. */
function adviceFor(unknown: Unknown): string {
  if (unknown.kind === 'target') return '';
  if (unknown.test.name === 'set' && unknown.test.test.set === undefined) return '; give its members with --ipset';
  return unknown.test.name === 'ctstate' ? '; add it, e.g. state NEW' : '';
}
