import { BUILTIN_CHAINS, type BuiltinChain, type TableName } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import { findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import {
  evaluate,
  possibleVerdicts,
  reaches,
  surroundingsOracle,
  type Evaluation,
  type EvaluationInput,
  type PossibleVerdicts,
  type Unknown,
  type Verdict,
} from '../evaluate/index.js';
import { summarisePacket, type PacketText } from '../packet/index.js';

/** A question that has no answer, in words for the one who asked. */
export class NoSuchQuestion extends Error {
  override readonly name = 'NoSuchQuestion';
}

export interface ExplainPlace {
  /** The one for the interfaces of the packet if left out. */
  readonly chain?: BuiltinChain;
  /** `raw` for PREROUTING, else `filter` if left out. */
  readonly table?: TableName;
}

interface Subject {
  /** The packet in words. */
  readonly packet: string;
  readonly table: TableName;
  readonly chain: BuiltinChain;
}

/** What becomes of one packet at one chain: it never comes there, or its way through the rules. */
export type Explanation =
  | (Subject & { readonly kind: 'never'; readonly why: string })
  | (Subject & {
      readonly kind: 'judged';
      readonly evaluation: Evaluation;
      /** `ACCEPT`, `DROP`, `REJECT (type)`: one where it is certain, else all that may come of it. */
      readonly possible: readonly string[];
      /** What decides, or what the verdict hangs on, in one or two lines. */
      readonly conclusion: string;
    });

/**
 * Follows a packet through a built-in chain with the reference evaluator, every step kept.
 *
 * @throws {@link NoSuchQuestion} where packet, table and dump do not fit together
 */
export function explainPacket(ruleset: Ruleset, text: PacketText, place: ExplainPlace = {}): Explanation {
  const { packet, family, surroundings } = text;
  if (family !== ruleset.family) {
    throw new NoSuchQuestion(`the packet is ${name(family)}, the dump is ${name(ruleset.family)}`);
  }
  const chain = place.chain ?? chainOf(packet);
  const table = place.table ?? (chain === 'PREROUTING' ? 'raw' : 'filter');
  checkChain(ruleset, table, chain);
  const subject = { packet: summarisePacket(packet, surroundings), table, chain };
  const reach = reaches(packet, { family, hook: chain, route: chain === 'FORWARD' ? 'forward' : 'local' });
  if (reach.kind === 'never') return { ...subject, kind: 'never', why: reach.why };
  const oracle = surroundingsOracle(surroundings, packet, family);
  const question = { ruleset, table, chain, packet, oracle };
  const evaluation = evaluate({ ...question, trace: true });
  const possible = possibleEnds(question, evaluation);
  return { ...subject, kind: 'judged', evaluation, possible, conclusion: conclusion(evaluation, possible) };
}

/** The verdicts that are possible, `ACCEPT`, `DROP`, `REJECT (type)`: one where the packet is decided. */
export function possibleEnds(question: EvaluationInput, evaluation = evaluate(question)): readonly string[] {
  return namesOf(evaluation.kind === 'decided' ? [evaluation.verdict] : listed(possibleVerdicts(question)));
}

function checkChain(ruleset: Ruleset, table: TableName, chain: BuiltinChain): void {
  const known: readonly string[] = BUILTIN_CHAINS[table];
  if (!known.includes(chain)) throw new NoSuchQuestion(`table ${table} has no chain ${chain}`);
  if (findTable(ruleset, table) === undefined) throw new NoSuchQuestion(`the dump has no table ${table}`);
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
    if (unknown.kind === 'too-long') {
      const long = `chains are visited too often to be walked through: at rule ${unknown.rule.number} of ${unknown.rule.chain} the rest of the way is left out`;
      return possible.length === 1 ? `${long}\n=> ${text}` : `${long}\n=> one of ${text}`;
    }
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

type Asked = Exclude<Unknown, { kind: 'too-long' }>;

function askedBy(unknown: Asked): string {
  if (unknown.kind === 'target') return `target ${unknown.target}`;
  if (unknown.test.name === 'set') return `set ${unknown.test.test.name}`;
  return unknown.test.name === 'module' ? unknown.test.module : unknown.test.name;
}

/** Only the state of the connection can be said in a packet's words, and the members of sets in a file. */
function adviceFor(unknown: Asked): string {
  if (unknown.kind === 'target') return '';
  if (unknown.test.name === 'set' && unknown.test.test.set === undefined) return '; give its members with --ipset';
  return unknown.test.name === 'ctstate' ? '; add it, e.g. state NEW' : '';
}
