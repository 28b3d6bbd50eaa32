import { isLeaving } from '../../grammar/model/family.js';
import { RealIptables, type Judgement } from '../../bpf-runtime/iptables/real-iptables.js';
import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import { readLink } from '../packet/index.js';
import { hasMomentary } from './compare-object.js';
import { deviceGroups } from './device-groups.js';
import { noVerdicts, type EngineReport, type Mismatch, type Verdict, type VerifyJob } from './job.js';
import {
  explainObservation,
  hasWrittenOptions,
  isGroupDestination,
  isLinkLocalDestination,
  isPiece,
  reachOf,
  type Reference,
} from './reference.js';

const MAX_MISMATCHES = 20;

/**
 * Asks the kernel's own iptables about the packets and compares with the reference: reach, verdict, rule, counters; and
 * with what the object has refused (indices of the job's packets).
 */
export function compareWithIptables(job: VerifyJob, refused: ReadonlySet<number>): EngineReport {
  const { family, chain, table } = job;
  const ruleset = tableText(job.text, table);
  const sets = job.ipset === undefined ? {} : { ipset: job.ipset };
  const engine = RealIptables.create({ ruleset, family, chain, table, groups: deviceGroups(job), ...sets });
  try {
    const unasked: Record<string, number> = {};
    const askable = job.packets.flatMap((packet, index) => {
      const reason = notForTheNamespace(job, packet);
      if (reason === undefined) return [{ packet, index }];
      unasked[reason] = (unasked[reason] ?? 0) + 1;
      return [];
    });
    const judgements = engine.judge(askable.map(({ packet }) => packet));
    const comparison = new IptablesComparison(job, engine.surroundings(), unasked, refused);
    askable.forEach(({ packet, index }, i) => comparison.compare(index, packet, judgements[i]));
    return comparison.report(engine);
  } finally {
    engine.close();
  }
}

/**
 * The judged table alone, as it was written: what other tables do to a packet before the chain is an assumption that
 * the object states, and canonical text can say less than the rule (`--tcp-flags NONE SYN`).
 */
function tableText(text: string, table: string): string {
  const lines: string[] = [];
  let inside = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) inside = line.slice(1).trim() === table;
    if (inside) lines.push(line);
    if (line === 'COMMIT') inside = false;
  }
  return `${lines.join('\n')}\n`;
}

/** Why the namespace would treat a packet otherwise than the hosts that the rules are for; undefined where it would not. */
function notForTheNamespace(job: VerifyJob, packet: Packet): string | undefined {
  const { chain } = job;
  // Pieces that the kernel puts together first are judged as another packet.
  if (job.analysis.reassembled && isPiece(job, packet, true)) return 'piece of a datagram that is reassembled first';
  if (isLinkLocalDestination(job, packet)) return 'link-local destination';
  if (hasWrittenOptions(job, packet)) return 'IP options that the stack writes into';
  if ((chain === 'INPUT' || chain === 'FORWARD') && isGroupDestination(job, packet)) {
    return 'destination group that the host has not joined';
  }
  // The test network's own `lo` is an ordinary device at FORWARD, which a real one never leads to.
  if (chain === 'FORWARD' && packet.inInterface === 'lo') return 'loopback device that forwards nothing';
  // The kernel does not check what a raw socket of root's sends; a program could not read it.
  if (isLeaving(chain) && reachOf(job, packet).kind === 'never') return 'malformed packet of a raw socket';
  // A raw socket sends to 0.0.0.0 by way of 127.0.0.1.
  const link = readLink(packet.frame);
  const destination = link === undefined ? undefined : packet.frame.subarray(link.network + 16, link.network + 20);
  if (isLeaving(chain) && job.family === 'v4' && destination?.every((byte) => byte === 0) === true) {
    return 'destination that the kernel rewrites';
  }
  if (chain === 'POSTROUTING' && job.family === 'v4' && link !== undefined) {
    // net/ipv4/ip_output.c ip_mc_output: copies come back by POSTROUTING; what is not to leave is dropped in front of it.
    if (destination?.every((byte) => byte === 255) === true) return 'broadcast that comes back to this host';
    if (packet.frame[link.network + 8] === 0 && isGroupDestination(job, packet)) return 'group with a TTL of 0';
  }
  // What is put on lo from outside has no route yet, unlike what really comes back from it.
  const elsewhere = packet.inInterface === 'lo' && reachOf(job, { ...packet, inInterface: 'eth0' }).kind !== 'reaches';
  return elsewhere && reachOf(job, packet).kind === 'reaches' ? 'address that comes by lo alone' : undefined;
}

class IptablesComparison {
  private readonly mismatches: Mismatch[] = [];
  /** Whether chance and the like may have answered otherwise. */
  private readonly momentary: boolean;
  private readonly verdicts = noVerdicts();
  private readonly wanted = new Map<string, { packets: number; bytes: number }>();
  private asked = 0;
  private unsure = 0;
  private unexplained = 0;

  constructor(
    private readonly job: VerifyJob,
    private readonly surroundings: Surroundings,
    private readonly unasked: Record<string, number>,
    private readonly refused: ReadonlySet<number>,
  ) {
    this.momentary = hasMomentary(job);
  }

  compare(index: number, packet: Packet, judgement: Judgement): void {
    if (!judgement.reached && judgement.reason === 'unsendable') {
      this.unasked['cannot be sent unchanged'] = (this.unasked['cannot be sent unchanged'] ?? 0) + 1;
      return;
    }
    const reach = reachOf(this.job, packet);
    if (judgement.reached !== (reach.kind === 'reaches')) {
      this.asked++;
      const want = reach.kind === 'reaches' ? 'reaches the chain' : `never reaches the chain: ${reach.why}`;
      this.add({ index, packet, what: 'reach', want, have: judgement.reached ? 'reached it' : 'did not reach it' });
      return;
    }
    this.asked++;
    if (!judgement.reached) return;
    this.verdicts[judgement.verdict]++;
    // Whatever the reference can say of it: what iptables accepts, no object may drop.
    if (judgement.verdict === 'accept' && this.refused.has(index) && !this.momentary) {
      this.add({ index, packet, what: 'verdict', want: 'the object drops it', have: 'accept' });
    }
    const agrees = (reference: Reference): boolean =>
      verdictOf(reference) === judgement.verdict && decisionText(reference) === judgementText(judgement);
    const { reference, explained, sure } = explainObservation(this.job, packet, this.surroundings, agrees);
    if (!sure) this.unsure++;
    // A match that is not understood may drop a packet at once (rt, frag, … on a cut header).
    const broken = !explained && !sure && judgement.rule === undefined;
    if (reference === undefined || broken) this.unexplained++;
    else if (!explained) {
      const want = `${reference.verdict} by ${decisionText(reference)}`;
      const what = reference.verdict === judgement.verdict ? 'rule' : 'verdict';
      this.add({ index, packet, what, want, have: `${judgement.verdict} by ${judgementText(judgement)}` });
    }
    if (reference !== undefined) this.count(reference);
  }

  private count(reference: Reference): void {
    const add = (key: string, bytes: number): void => {
      const entry = this.wanted.get(key) ?? { packets: 0, bytes: 0 };
      entry.packets += 1;
      entry.bytes += bytes;
      this.wanted.set(key, entry);
    };
    reference.hits.forEach((rule, i) => add(`${rule.chain} ${rule.number}`, reference.lengths[i]));
    if (reference.decision.by === 'policy') add('policy', reference.length);
  }

  private add(mismatch: Omit<Mismatch, 'engine'>): void {
    if (this.mismatches.length < MAX_MISMATCHES) this.mismatches.push({ engine: 'iptables', ...mismatch });
  }

  report(engine: RealIptables): EngineReport {
    const notes = ['verdict, deciding rule and reach of each packet'];
    const alone = this.job.analysis.reachable.alternative === undefined;
    if (this.unsure === 0 && this.unexplained === 0 && this.mismatches.length === 0 && alone) {
      this.compareCounters(engine);
      notes.push('counters of all rules and the policy, packets and bytes');
    } else if (this.unsure > 0) {
      notes.push(`counters not compared: ${this.unsure} packets met tests whose answer is not in the packet`);
    }
    if (this.unexplained > 0)
      notes.push(
        `${this.unexplained} packets met a target that is not understood, or too many such tests to be explained`,
      );
    const { asked: packets, unasked, verdicts, mismatches } = this;
    return { engine: 'iptables', packets, unasked, verdicts, notes, mismatches };
  }

  private compareCounters(engine: RealIptables): void {
    const chains = engine.counters();
    for (const { rule } of this.job.analysis.rules) {
      const have = chains.get(rule.chain)?.rules[rule.number - 1];
      this.compareCounter(`${rule.chain} ${rule.number}`, have);
    }
    this.compareCounter('policy', chains.get(this.job.chain)?.policy);
  }

  private compareCounter(name: string, have: { readonly packets: bigint; readonly bytes: bigint } | undefined): void {
    const want = this.wanted.get(name) ?? { packets: 0, bytes: 0 };
    if (have === undefined) return;
    if (Number(have.packets) === want.packets && Number(have.bytes) === want.bytes) return;
    this.add({
      index: -1,
      packet: this.job.packets[0],
      what: 'counters',
      want: `${name}: ${want.packets} packets, ${want.bytes} bytes`,
      have: `${name}: ${have.packets} packets, ${have.bytes} bytes`,
    });
  }
}

function decisionText({ decision }: Reference): string {
  switch (decision.by) {
    case 'rule':
      return `${decision.rule.chain} ${decision.rule.number}`;
    case 'policy':
      return 'policy';
    case 'hotdrop':
      return 'hotdrop';
  }
}

function judgementText(judgement: Extract<Judgement, { reached: true }>): string {
  if (judgement.rule === undefined) return 'hotdrop';
  return judgement.rule === 'policy' ? 'policy' : `${judgement.rule.chain} ${judgement.rule.number}`;
}

/** The rule's target is another one while it is watched: a packet that is dropped there all the same is not answered. */
function verdictOf({ verdict, decision }: Reference): Verdict {
  return decision.by === 'hotdrop' ? 'drop' : verdict;
}
