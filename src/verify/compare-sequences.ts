import { type BuiltinChain, isLeaving } from '../../grammar/model/family.js';
import { isChangedBefore } from '../../codegen/program/surroundings.js';
import type { CtState } from '../../grammar/model/condition.js';
import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import type { Counters, Ruleset } from '../../grammar/model/ruleset.js';
import { evaluate, possibleVerdicts, surroundingsOracle } from '../evaluate/index.js';
import { ETHERTYPE, readLink } from '../packet/index.js';
import type { WatchedChains } from '../../bpf-runtime/netfilter/probes.js';
import { IptablesSequences, NetfilterMachine, type NetfilterObject } from './netfilter-machine.js';
import type { SequenceJudgement, SequenceOptions, SequencePacket } from './netfilter-machine.js';

export interface SequenceJob extends SequenceOptions {
  /** The dump, bound. */
  readonly bound: Ruleset;
  readonly judge: NetfilterObject;
  readonly packets: readonly SequencePacket[];
  /**
   * Some rule remembers or asks for the time or for chance: two runs may differ in what it says. Verdicts are then
   * compared with what the reference takes for possible, and counters not at all.
   */
  readonly timed?: boolean;
}

/** Where two of object, iptables and reference differ. */
export interface SequenceMismatch {
  readonly what: 'verdict' | 'reply' | 'packet' | 'state' | 'reach' | 'reference' | 'counters';
  /** Index in the packets; −1 for counters. */
  readonly index: number;
  /** Who differs: the object from iptables, or iptables from the reference. */
  readonly who: 'object' | 'iptables';
  /** What iptables says, and what the object or the reference does. */
  readonly want: string;
  readonly have: string;
}

export interface SequenceReport {
  readonly packets: number;
  /** Packets that came to their chains. */
  readonly reached: number;
  /** Of those, how many in each state, and with each verdict of iptables. */
  readonly states: Readonly<Partial<Record<CtState, number>>>;
  readonly verdicts: Readonly<Record<'accept' | 'drop' | 'reject', number>>;
  /** Packets that the reference was asked about with the state that the kernel saw. */
  readonly referenced: number;
  readonly counters: number;
  /** Behind the first packet that differs, connections do too: only that one is named. */
  readonly mismatches: readonly SequenceMismatch[];
}

/**
 * Sends a sequence through iptables and through a netfilter object, each in a namespace of its own, and compares reach,
 * state, verdict and answer of each packet, and all counters of the object; and iptables' verdicts with the
 * reference's, where it knows one from packet and state.
 */
export function compareSequences(given: SequenceJob): SequenceReport {
  const job = { ...given, watched: watchedOf(given.judge) };
  const iptables = new IptablesSequences(job);
  try {
    const want = iptables.judgeSequence(job.packets);
    const counters = iptables.counters();
    const referenceReport = compareReference(job, want, iptables.surroundings());
    const object = compareObject(job, want, counters);
    return {
      packets: job.packets.length,
      ...summarise(want),
      referenced: referenceReport.asked,
      counters: object.counters,
      mismatches: [...object.mismatches, ...referenceReport.mismatches],
    };
  } finally {
    iptables.close();
  }
}

/** The chains that an object judges. */
function watchedOf({ manifest: { table, programs } }: NetfilterObject): WatchedChains {
  if (table === 'nat') throw new Error('no object judges table nat');
  return { table, chains: programs.map(({ chain }) => chain) };
}

function summarise(judgements: readonly SequenceJudgement[]): Pick<SequenceReport, 'reached' | 'states' | 'verdicts'> {
  const states: Partial<Record<CtState, number>> = {};
  const verdicts = { accept: 0, drop: 0, reject: 0 };
  let reached = 0;
  for (const judgement of judgements) {
    if (!judgement.reached) continue;
    reached++;
    verdicts[judgement.verdict]++;
    for (const state of judgement.ctstate) states[state] = (states[state] ?? 0) + 1;
  }
  return { reached, states, verdicts };
}

function compareObject(
  job: SequenceJob,
  want: readonly SequenceJudgement[],
  counters: ReadonlyMap<string, Counters>,
): { readonly counters: number; readonly mismatches: readonly SequenceMismatch[] } {
  const machine = new NetfilterMachine(job.judge, job);
  try {
    const have = machine.judgeSequence(job.packets);
    if (job.timed === true) return { counters: 0, mismatches: impossible(job, have, machine.surroundings()) };
    const index = have.findIndex((one, i) => difference(want[i], one, job) !== undefined);
    if (index >= 0) {
      const what = difference(want[index], have[index], job) ?? 'verdict';
      const mismatch = { what, index, who: 'object', want: textOf(want[index]), have: textOf(have[index]) } as const;
      return { counters: 0, mismatches: [mismatch] };
    }
    const own = machine.counters();
    const mismatches = [...own].flatMap(([name, value]): readonly SequenceMismatch[] => {
      const [wanted, has] = [counterText(counters.get(name)), counterText(value)];
      return wanted === has
        ? []
        : [{ what: 'counters', index: -1, who: 'object', want: `${name}: ${wanted}`, have: `${name}: ${has}` }];
    });
    return { counters: own.size, mismatches };
  } finally {
    machine.close();
  }
}

/** The first verdict of the object that no answer of the tests with memory explains. */
function impossible(
  { bound, packets, judge: { manifest } }: SequenceJob,
  judgements: readonly SequenceJudgement[],
  surroundings: Surroundings,
): readonly SequenceMismatch[] {
  const { table } = manifest;
  for (const [index, judgement] of judgements.entries()) {
    if (!judgement.reached || judgement.ctstate.some((state) => REWRITTEN.has(state))) continue;
    const packet: Packet = packets[index];
    const { chain, ctstate, verdict } = judgement;
    if (isRerouted(chain, packet) || isChangedBefore(bound, manifest.table, chain)) continue;
    const oracle = surroundingsOracle({ ...surroundings, ctstate }, packet, bound.family);
    const possible = possibleVerdicts({ ruleset: bound, table, chain, packet, oracle });
    const may = verdict === 'accept' ? possible.accept : possible.drop || possible.reject.size > 0;
    if (may) continue;
    const want = verdict === 'accept' ? 'not accepted' : 'accepted';
    return [{ what: 'verdict', index, who: 'object', want, have: textOf(judgement) }];
  }
  return [];
}

function difference(
  want: SequenceJudgement,
  have: SequenceJudgement,
  { judge }: SequenceJob,
): SequenceMismatch['what'] | undefined {
  if (!want.reached || !have.reached) return want.reached === have.reached ? undefined : 'reach';
  if (want.ctstate.join() !== have.ctstate.join()) return 'state';
  if ((want.verdict === 'accept') !== (have.verdict === 'accept')) return 'verdict';
  if (passedText(want) !== passedText(have)) return 'packet';
  if (judge.manifest.reject === 'drop') return undefined;
  if (want.verdict !== have.verdict) return 'verdict';
  return comparable(want) === comparable(have) ? undefined : 'reply';
}

/**
 * Places of what is random in an IPv4 answer: the identification in its header and the sum over it; and where the
 * kernel has chosen the identification of the packet, too, what an ICMP error quotes of it, and the sum over that.
 */
const RANDOM = [4, 5, 10, 11];
const RANDOM_QUOTED = [22, 23, 32, 33, 38, 39];
const ICMP = 1;

function comparable(judgement: Extract<SequenceJudgement, { reached: true }>): string | undefined {
  const { reply, chain } = judgement;
  if (reply === undefined || reply[0] >> 4 === 6) return reply?.join();
  const quotes = isLeaving(chain) && reply[9] === ICMP;
  return reply.map((byte, i) => (RANDOM.includes(i) || (quotes && RANDOM_QUOTED.includes(i)) ? 0 : byte)).join();
}

/** What has come out behind the chain: iptables and the object change it alike. */
function passedText({ passed, chain }: Extract<SequenceJudgement, { reached: true }>): string {
  if (passed === undefined) return '';
  const drawn = isLeaving(chain) && passed.bytes[0] >> 4 === 4;
  const bytes = drawn ? passed.bytes.map((byte, i) => (RANDOM.includes(i) ? 0 : byte)) : passed.bytes;
  return `mark 0x${passed.mark.toString(16)}, ${Buffer.from(bytes).toString('hex')}`;
}

function textOf(judgement: SequenceJudgement): string {
  if (!judgement.reached) return `does not come to the chain (${judgement.reason})`;
  const answer = judgement.reply === undefined ? '' : `, answer ${Buffer.from(judgement.reply).toString('hex')}`;
  const passed = judgement.passed === undefined ? '' : `, ${passedText(judgement)}`;
  return `${judgement.chain}, ${judgement.ctstate.join(',')}: ${judgement.verdict}${answer}${passed}`;
}

function counterText(counters: Counters | undefined): string {
  return counters === undefined ? 'no counter' : `${counters.packets} packets, ${counters.bytes} bytes`;
}

/** States of a packet that table nat has rewritten, or would on its way back: the reference was not given that packet. */
const REWRITTEN: ReadonlySet<CtState> = new Set(['SNAT', 'DNAT']);

function compareReference(
  { bound, packets, judge: { manifest } }: SequenceJob,
  judgements: readonly SequenceJudgement[],
  surroundings: Surroundings,
): { readonly asked: number; readonly mismatches: readonly SequenceMismatch[] } {
  let asked = 0;
  const mismatches: SequenceMismatch[] = [];
  judgements.forEach((judgement, index) => {
    if (!judgement.reached || judgement.ctstate.some((state) => REWRITTEN.has(state))) return;
    const packet: Packet = packets[index];
    const { chain, ctstate, verdict } = judgement;
    // The reference is not given the packet as other tables leave it.
    if (isRerouted(chain, packet) || isChangedBefore(bound, manifest.table, chain)) return;
    const oracle = surroundingsOracle({ ...surroundings, ctstate }, packet, bound.family);
    const evaluation = evaluate({ ruleset: bound, table: manifest.table, chain, packet, oracle });
    if (evaluation.kind === 'unknown') return;
    asked++;
    const have = typeof evaluation.verdict === 'string' ? evaluation.verdict : 'reject';
    // A REJECT without an answer (to a reset, say) looks like a drop.
    if (have === verdict || (have === 'reject' && verdict === 'drop')) return;
    mismatches.push({ what: 'reference', index, who: 'iptables', want: have, have: textOf(judgement) });
  });
  return { asked, mismatches };
}

/** Whether the chain sees another destination or device than the packet was made for. */
function isRerouted(chain: BuiltinChain, packet: Packet): boolean {
  return isLeaving(chain) ? goesNowhere(packet) : isLinkLocal(packet);
}

/** To fe80::/10, which is routed by the device that the packet came in on. */
function isLinkLocal({ frame }: Packet): boolean {
  const link = readLink(frame);
  if (link?.etherType !== ETHERTYPE.IPV6) return false;
  return frame[link.network + 24] === 0xfe && (frame[link.network + 25] & 0xc0) === 0x80;
}

/** To 0.0.0.0, which a raw socket sends by way of 127.0.0.1: the chain sees another destination. */
function goesNowhere({ frame }: Packet): boolean {
  const link = readLink(frame);
  if (link?.etherType !== ETHERTYPE.IPV4) return false;
  return frame.subarray(link.network + 16, link.network + 20).every((byte) => byte === 0);
}
