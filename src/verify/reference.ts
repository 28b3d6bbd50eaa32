import { remembers, type AddressType, type CtState, type Opaque } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import type { RuleRef } from '../../grammar/model/ruleset.js';
import {
  evaluate,
  possibleVerdicts,
  reaches,
  readFields,
  readIpPacket,
  surroundingsOracle,
  type Decision,
  type Evaluation,
  type Oracle,
  type Reach,
} from '../evaluate/index.js';
import { BASE_STATES, impossibleStates, lookupOf } from '../../codegen/program/lookup.js';
import { writesOptions } from '../../codegen/program/packet/ipv4.js';
import { readsBytes } from '../../codegen/program/reads-bytes.js';
import { isWireView } from '../../codegen/program/place.js';
import { readsOwnState } from '../../codegen/program/wire-state.js';
import { readLink } from '../packet/index.js';
import { Answers } from './answers.js';
import type { ConnectionState } from './connection-state.js';
import { deviceGroups } from './device-groups.js';
import type { Verdict, VerifyJob } from './job.js';

/** What the reference says of a packet that came to the chain. */
export interface Reference {
  readonly verdict: Verdict;
  readonly decision: Decision;
  readonly hits: readonly RuleRef[];
  /** Bytes that each hit counts, and the policy. */
  readonly lengths: readonly number[];
  readonly length: number;
}

/** Answers to tests that are not in the packet, tried until they explain what an engine did. */
const MAX_ATTEMPTS = 256;

/** The network that the engines are given: every destination is reached, no address is refused for the host's sake. */
export function reachOf(job: VerifyJob, packet: Packet): Reach {
  return reaches(packet, {
    family: job.family,
    hook: job.chain,
    route: job.chain === 'FORWARD' ? 'forward' : 'local',
    routeLocalnet: true,
    acceptSourceRoute: true,
  });
}

/** The type of an address where no network says which ones are local: all that can be are. */
export function assumedAddressType(family: Family, address: bigint): AddressType {
  if (family === 'v4' && address >> 28n === 0xen) return 'MULTICAST';
  if (family === 'v6' && address >> 120n === 0xffn) return 'MULTICAST';
  if (family === 'v4' && (address === 0n || address === 0xffffffffn)) return 'BROADCAST';
  return 'LOCAL';
}

/** Engines are given no sockets: no packet has an owner. At netfilter iptables is asked for groups of devices. */
function assumedOf(job: VerifyJob): Surroundings {
  const assumed = { addressType: assumedAddressType, owner: 'none' } as const;
  return isWireView(job.analysis.view) ? { ...assumed, deviceGroup: deviceGroups(job) } : assumed;
}

function evaluateWith(job: VerifyJob, packet: Packet, oracle: Oracle, trace = false): Evaluation {
  const { ruleset, table, chain } = job;
  return evaluate({ ruleset, table, chain, packet, oracle, trace });
}

function referenceOf(evaluation: Evaluation): Reference | undefined {
  if (evaluation.kind === 'unknown') return undefined;
  const verdict = typeof evaluation.verdict === 'string' ? evaluation.verdict : 'reject';
  return {
    verdict,
    decision: evaluation.decision,
    hits: evaluation.hits,
    lengths: evaluation.lengths,
    length: evaluation.length,
  };
}

/** The time of day here, where the engines run. */
function now(): NonNullable<Surroundings['time']> {
  return { seconds: Math.floor(Date.now() / 1000) };
}

/** Whether the answer to a test is another one each time it is asked: what an engine did tells it. */
export function isMomentary(test: Opaque): boolean {
  return remembers(test) || test.name === 'random' || test.name === 'cpu';
}

/**
 * The reference's answer where tests with memory or chance are answered so that it `agrees` with what an engine counted;
 * their first answers, where no others agree. `hit`: whether the engine counted the rule.
 */
export function judgeByHits(
  job: VerifyJob,
  packet: Packet,
  hit: (rule: RuleRef) => boolean,
  ctstate?: ConnectionState,
  agrees: (reference: Reference) => boolean = () => true,
): Reference | undefined {
  const assumed = { ...assumedOf(job), time: now() };
  const surroundings = ctstate === undefined ? assumed : { ...assumed, ctstate };
  const addresses = surroundingsOracle(surroundings, packet, job.family);
  const answers = new Answers();
  const oracle: Oracle = (test, rule, fields) =>
    isMomentary(test) ? answers.next(hit(rule)) : addresses(test, rule, fields);
  let first: Reference | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const reference = referenceOf(evaluateWith(job, packet, oracle));
    if (reference === undefined || agrees(reference)) return reference;
    first ??= reference;
    if (!answers.advance()) break;
  }
  return first;
}

/** Tests that the engine's network answers. */
const ASKED: readonly Opaque['name'][] = ['addrtype', 'time', 'devgroup'];

/**
 * Looks for answers to the opaque tests under which the reference does what was observed. `sure` is false where some
 * test had to be answered that way: then only verdict and deciding rule are comparable.
 */
export function explainObservation(
  job: VerifyJob,
  packet: Packet,
  surroundings: Surroundings,
  agrees: (reference: Reference) => boolean,
): { readonly reference?: Reference; readonly explained: boolean; readonly sure: boolean } {
  const addresses = surroundingsOracle({ ...surroundings, time: now() }, packet, job.family);
  const answers = new Answers();
  let first: Reference | undefined;
  // Ways that end where the reference has no answer (a target it does not know) may be the one that was gone.
  let undecided = false;
  let module = false;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const oracle: Oracle = (test: Opaque, rule, fields) => {
      if (ASKED.includes(test.name)) return addresses(test, rule, fields);
      const inSet = test.name === 'set' ? addresses(test, rule, fields) : undefined;
      if (inSet !== undefined) return inSet;
      module ||= test.name === 'module' || test.name === 'set';
      return answers.next(false);
    };
    const reference = referenceOf(evaluateWith(job, packet, oracle));
    first ??= reference;
    undecided ||= reference === undefined;
    if (reference !== undefined && agrees(reference)) return { reference, explained: true, sure: answers.asked === 0 };
    if (answers.advance()) continue;
    if (undecided) return { explained: true, sure: false };
    return { ...(first === undefined ? {} : { reference: first }), explained: false, sure: !module };
  }
  return { explained: true, sure: false };
}

/** States of a packet whose connection nobody knows; engines that ask conntrack's table find it empty. */
function possibleStates({ analysis, family, chain }: VerifyJob, packet: Packet): readonly CtState[] {
  const lookup = lookupOf(analysis);
  const all: readonly CtState[] = [...BASE_STATES, 'SNAT', 'DNAT'];
  if (lookup === undefined || packet.inInterface === 'lo') return all;
  const { proto, fragoff } = readFields(packet, family, chain);
  if ((proto !== 6n && proto !== 17n) || fragoff !== 0n) return all;
  return all.filter((state) => !impossibleStates(lookup).includes(state));
}

/** Whether a packet of one of the possible states is one of those; undefined where that depends. */
function stateAmong(possible: readonly CtState[], states: readonly CtState[]): boolean | undefined {
  if (!possible.some((state) => states.includes(state))) return false;
  return BASE_STATES.every((state) => !possible.includes(state) || states.includes(state)) ? true : undefined;
}

/**
 * Whether iptables may accept the packet, whatever the tests say that nothing here knows. `ctstate`: the state that the
 * packet is declared to have, where its program reads it.
 */
export function mayAccept(job: VerifyJob, packet: Packet, ctstate?: ConnectionState): boolean {
  const { ruleset, table, chain } = job;
  const known = surroundingsOracle({ deviceGroup: deviceGroups(job) }, packet, job.family);
  const own = readsOwnState(job.analysis) ? ctstate : undefined;
  const possible = possibleStates(job, packet);
  const oracle: Oracle = (test, rule, fields) => {
    if (test.name === 'ctstate' && own !== undefined) return own.some((state) => test.states.includes(state));
    if (test.name === 'ctstate') return stateAmong(possible, test.states);
    return test.name === 'set' || test.name === 'devgroup' ? known(test, rule, fields) : undefined;
  };
  return possibleVerdicts({ ruleset, table, chain, packet, oracle }).accept;
}

/** What may become of a packet, whatever its tests with memory or chance say: for ways that are too long to walk. */
export function possibleOf(job: VerifyJob, packet: Packet, ctstate?: ConnectionState): readonly Verdict[] {
  const { ruleset, table, chain } = job;
  const assumed = { ...assumedOf(job), time: now(), ...(ctstate === undefined ? {} : { ctstate }) };
  const addresses = surroundingsOracle(assumed, packet, job.family);
  const oracle: Oracle = (test, rule, fields) => (isMomentary(test) ? undefined : addresses(test, rule, fields));
  const { accept, drop, reject } = possibleVerdicts({ ruleset, table, chain, packet, oracle });
  // A REJECT that is left unanswered is a drop.
  return [
    ...(accept ? ['accept' as const] : []),
    ...(drop || reject.size > 0 ? ['drop' as const] : []),
    ...(reject.size > 0 ? ['reject' as const] : []),
  ];
}

/** A link-local IPv6 destination: whether it is this host's own is a question that bpf_fib_lookup does not answer. */
export function isLinkLocalDestination(job: VerifyJob, packet: Packet): boolean {
  if (job.family !== 'v6' || (job.chain !== 'INPUT' && job.chain !== 'FORWARD')) return false;
  const link = readLink(packet.frame);
  if (link === undefined || packet.frame.length < link.network + 26) return false;
  const at = link.network + 24;
  return packet.frame[at] === 0xfe && (packet.frame[at + 1] & 0xc0) === 0x80;
}

/** A multicast destination: whether the packet is for this host depends on the groups it has joined. */
export function isGroupDestination(job: VerifyJob, packet: Packet): boolean {
  const link = readLink(packet.frame);
  if (link === undefined) return false;
  return job.family === 'v4' ? packet.frame[link.network + 16] >> 4 === 0xe : packet.frame[link.network + 24] === 0xff;
}

/**
 * A piece of a datagram. An IPv6 fragment header alone does not make one (RFC 6946), unless `atomic` asks for those,
 * too: reassembly takes the header out.
 */
export function isPiece(job: VerifyJob, packet: Packet, atomic = false): boolean {
  if (reachOf(job, packet).kind !== 'reaches') return false;
  const { bytes } = readIpPacket(packet.frame, job.family, job.chain);
  if (job.family === 'v4') return bytes.length >= 8 && (((bytes[6] << 8) | bytes[7]) & 0x3fff) !== 0;
  return isPiece6(bytes, atomic);
}

/** {@link isPiece} of an IPv6 packet from its header on, as far as it is there. */
export function isPiece6(bytes: Uint8Array, atomic: boolean): boolean {
  let next = bytes[6];
  let at = 40;
  while ([0, 43, 44, 51, 60].includes(next) && at + 2 <= bytes.length) {
    // Its offset may be there though its end is cut off; connection tracking throws such a header away.
    const offset = next === 44 && at + 4 <= bytes.length ? (bytes[at + 2] << 8) | bytes[at + 3] : 0;
    if (next === 44 && (atomic || (offset & 0xfff9) !== 0)) return true;
    if (next === 44 && at + 8 > bytes.length) return false;
    const length = next === 44 ? 8 : next === 51 ? (bytes[at + 1] + 2) * 4 : (bytes[at + 1] + 1) * 8;
    next = bytes[at];
    at += length;
  }
  // A fragment header that should follow, but is not there any more.
  return atomic && next === 44;
}

/** A packet with IP options that the stack writes into before the chain, where some rule reads such bytes. */
export function hasWrittenOptions(job: VerifyJob, packet: Packet): boolean {
  const { family, chain, analysis } = job;
  if (family !== 'v4' || !writesOptions(chain) || !readsBytes(analysis)) return false;
  if (reachOf(job, packet).kind !== 'reaches') return false;
  const { bytes } = readIpPacket(packet.frame, family, chain);
  const end = (bytes[0] & 0x0f) * 4;
  for (let at = 20; at < end && bytes[at] !== 0; at += bytes[at] === 1 ? 1 : bytes[at + 1]) {
    if (WRITTEN_OPTIONS.includes(bytes[at])) return true;
    if (bytes[at] !== 1 && (bytes[at + 1] ?? 0) < 2) return false;
  }
  return false;
}

/** Record route, timestamp, source routes. */
const WRITTEN_OPTIONS = [7, 68, 131, 137];

/** The way of the packet through the rules, for people. */
export function traceOf(job: VerifyJob, packet: Packet): readonly string[] {
  const addresses = surroundingsOracle(assumedOf(job), packet, job.family);
  const oracle: Oracle = (test, rule, fields) => addresses(test, rule, fields) ?? false;
  if (reachOf(job, packet).kind !== 'reaches') return ['never reaches the chain'];
  const evaluation = evaluateWith(job, packet, oracle, true);
  const hits = evaluation.hits.map((rule) => `${rule.chain} ${rule.number}`);
  const fields = readFields(packet, job.family, job.chain);
  return [`matched: ${hits.join(', ') || 'no rule'}`, `protocol ${fields.proto}, fragment offset ${fields.fragoff}`];
}
