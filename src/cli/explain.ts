import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import { describeStep, evaluate, reaches, surroundingsOracle, type Evaluation } from '../evaluate/index.js';
import { parsePacketText, summarisePacket } from '../packet/index.js';
import { loadDump, type DumpOptions } from './dump.js';
import { EXIT, say, sayJson, tell, UserError, type ExitCode } from './output.js';

interface Options extends DumpOptions {
  readonly packet: string;
  readonly chain?: BuiltinChain;
  readonly table?: TableName;
  readonly json?: boolean;
}

/** Follows a packet through a chain. Exit 0: decided; 1: something is not known; 2: trouble. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const { ruleset } = loadDump(path, options);
  const parsed = parsePacketText(options.packet);
  if (!parsed.ok) {
    for (const d of parsed.diagnostics) {
      tell(`--packet:1:${d.column}: error[${d.code}]: ${d.message}${d.hint === undefined ? '' : ` (${d.hint})`}`);
      tell(`  ${options.packet}\n  ${' '.repeat(d.column - 1)}${'^'.repeat(Math.max(1, d.length))}`);
    }
    throw new UserError('ipt2bpf: the packet cannot be read');
  }
  const { packet, family, surroundings } = parsed.text;
  if (family !== ruleset.family) {
    throw new UserError(`ipt2bpf: the packet is ${name(family)}, the dump is ${name(ruleset.family)}`);
  }
  const chain = options.chain ?? chainOf(packet);
  const table = options.table ?? (chain === 'PREROUTING' ? 'raw' : 'filter');
  if (!ruleset.tables.some((candidate) => candidate.name === table)) {
    throw new UserError(`ipt2bpf: ${path}: the dump has no table ${table}`);
  }
  const reach = reaches(packet, { family, hook: chain, route: chain === 'FORWARD' ? 'forward' : 'local' });
  if (reach.kind === 'never') {
    if (options.json) sayJson({ packet: summarisePacket(packet), table, chain, reaches: false, why: reach.why });
    else say(`${summarisePacket(packet)}\nnever reaches chain ${chain}: ${reach.why}`);
    return EXIT.same;
  }
  const oracle = surroundingsOracle(surroundings, packet, family);
  const evaluation = evaluate({ ruleset, table, chain, packet, oracle, trace: true });
  const steps = evaluation.trace.map((step) => describeStep(step, family));
  if (options.json) {
    const { trace: _trace, ...rest } = evaluation;
    sayJson({ packet: summarisePacket(packet), table, chain, reaches: true, steps, ...rest });
  } else {
    say([summarisePacket(packet), `table ${table}, chain ${chain}`, ...steps, verdictLine(evaluation)].join('\n'));
  }
  return evaluation.kind === 'decided' ? EXIT.same : EXIT.different;
}

const name = (family: 'v4' | 'v6'): string => (family === 'v4' ? 'IPv4' : 'IPv6');

/** The chain of the filter table that a packet with these interfaces meets. */
function chainOf(packet: Packet): BuiltinChain {
  if (packet.inInterface !== '' && packet.outInterface !== '') return 'FORWARD';
  return packet.outInterface === '' ? 'INPUT' : 'OUTPUT';
}

function verdictLine(evaluation: Evaluation): string {
  if (evaluation.kind === 'unknown') {
    const { unknown } = evaluation;
    const what =
      unknown.kind === 'target'
        ? `target ${unknown.target}`
        : `${unknown.test.name === 'module' ? unknown.test.module : unknown.test.name}`;
    return `=> unknown: rule ${unknown.rule.number} of ${unknown.rule.chain} asks what the packet does not say (${what}); add it, e.g. state NEW`;
  }
  const { verdict, decision } = evaluation;
  const text = typeof verdict === 'string' ? verdict.toUpperCase() : `REJECT (${verdict.reject})`;
  switch (decision.by) {
    case 'rule':
      return `=> ${text} by rule ${decision.rule.number} of ${decision.rule.chain}`;
    case 'policy':
      return `=> ${text} by the policy of ${decision.chain}`;
    case 'hotdrop':
      return `=> ${text}: rule ${decision.rule.number} of ${decision.rule.chain} drops broken packets at once`;
  }
}
