import type { Packet } from '../../grammar/model/packet.js';
import type { RuleRef } from '../../grammar/model/ruleset.js';
import { isWireHook } from '../../codegen/program/place.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import { isEndless } from './endless.js';
import { noVerdicts, type EngineName, type EngineReport, type Mismatch, type Verdict, type VerifyJob } from './job.js';
import type { CounterValues, ObjectMachine } from './object-machine.js';
import {
  hasWrittenOptions,
  isLinkLocalDestination,
  isPiece,
  isMomentary,
  judgeByHits,
  mayAccept,
  possibleOf,
  reachOf,
  type Reference,
} from './reference.js';

/** Packets between two readings of the counters. */
const BATCH = 64;
/** Reasons why a packet never reaches the chain that programs leave to the stack: they judge and count it all the same. */
const LEFT_TO_THE_STACK = new Set([
  'bad-options',
  'source-route',
  'security-label',
  'bad-hop-by-hop',
  'no-route',
  'other-chain',
  'too-big',
  'loopback-address',
  'link-group',
]);

/** What a packet must do to the object: its verdict, and which entries of `counters` it adds to. */
interface Expected {
  readonly verdicts: readonly Verdict[];
  /** Keys in `counters`. */
  readonly keys: readonly number[];
  readonly bytes: readonly number[];
}

/** Runs the packets through an object and compares verdict and counters with the reference. */
export class ObjectComparison {
  private readonly keys = new Map<string, number>();
  private readonly policyKey: number;
  /** One packet at a time where the counters tell how a limit was answered. */
  private readonly batch: number;
  private readonly mismatches: Mismatch[] = [];
  private readonly verdicts = noVerdicts();
  private readonly unasked: Record<string, number> = {};
  private asked = 0;
  /** Indices of packets whose way is too long for the reference: it knows their verdicts alone. */
  private readonly endless = new Set<number>();
  /** Indices of packets that the object did not accept. */
  readonly refused = new Set<number>();

  constructor(
    private readonly job: VerifyJob,
    private readonly engine: EngineName,
    private readonly machine: ObjectMachine,
    private readonly limit = 20,
  ) {
    job.manifest.counters.forEach((entry, key) => {
      if (entry.kind === 'rule') this.keys.set(`${entry.chain} ${entry.number}`, key);
    });
    this.policyKey = job.manifest.counters.findIndex((entry) => entry.kind === 'policy' && entry.chain === job.chain);
    this.batch = hasMomentary(job) || this.asksIptables() ? 1 : BATCH;
  }

  run(progress?: (done: number) => void): EngineReport {
    const { packets, manifest } = this.job;
    const early = manifest.mode === 'early';
    const judged: number[] = [];
    const loose: number[] = [];
    packets.forEach((packet, index) => {
      const reason = this.machine.unaskable(packet);
      if (reason !== undefined) this.unasked[reason] = (this.unasked[reason] ?? 0) + 1;
      else (early || this.isLoose(packet) ? loose : judged).push(index);
    });
    for (let at = 0; at < judged.length && this.mismatches.length < this.limit; at += this.batch) {
      this.runBatch(judged.slice(at, at + this.batch));
      progress?.(at);
    }
    for (const index of loose) {
      const have = this.ask(index);
      if (early) this.checkEarly(index, packets[index], have);
    }
    for (const index of this.endless) this.checkVerdict(index, packets[index]);
    const notes = early
      ? ['no packet dropped that iptables may accept']
      : ['verdicts and all counters, packets and bytes', `${loose.length} packets that the stack throws away unseen`];
    const { size } = this.endless;
    if (size > 0)
      notes.push(`of ${size} packets on whose way chains are visited too often for the reference: verdicts alone`);
    const { engine, unasked, verdicts, mismatches } = this;
    return { engine, packets: this.asked, unasked, verdicts, notes, mismatches };
  }

  private ask(index: number): Verdict {
    const have = this.machine.run(this.job.packets[index], index);
    if (have !== 'accept') this.refused.add(index);
    this.asked++;
    this.verdicts[have]++;
    return have;
  }

  /** A packet that never comes to the chain, but is judged and counted: the stack throws it away whatever is said. */
  private isLoose(packet: Packet): boolean {
    if (!isWireHook(this.job.manifest.hook)) return false;
    if (isLinkLocalDestination(this.job, packet)) return true;
    const reach = reachOf(this.job, packet);
    if (reach.kind === 'reaches') return false;
    if (reach.code === 'other-vlan') return this.job.manifest.vlan === 'judge';
    return LEFT_TO_THE_STACK.has(reach.code);
  }

  private runBatch(indices: readonly number[]): void {
    const before = this.machine.counters();
    const want = new Float64Array(before.length);
    for (const index of indices) {
      const packet = this.job.packets[index];
      // What such a packet counts could not be told from the others'.
      const known = this.batch === 1 ? undefined : this.expect(packet, index, undefined);
      if (this.batch > 1 && known === undefined) {
        this.endless.add(index);
        continue;
      }
      const have = this.ask(index);
      const expected = known ?? this.expect(packet, index, difference(before, this.machine.counters()));
      // Alone in its batch: what it counted is not compared either.
      if (expected === undefined) return this.leaveToIptables(have);
      if (!expected.verdicts.includes(have))
        this.report(index, packet, 'verdict', expected.verdicts.join(' or '), have);
      expected.keys.forEach((key, i) => {
        want[2 * key] += 1;
        want[2 * key + 1] += expected.bytes[i];
      });
    }
    const have = difference(before, this.machine.counters());
    if (have.every((value, i) => value === want[i])) return;
    if (indices.length === 1) this.reportCounters(indices[0], this.job.packets[indices[0]], want, have);
    else for (const index of indices) this.runBatch([index]);
  }

  /** `hits`: what the object counted for this packet, where it is known. */
  private expect(packet: Packet, index: number, hits: CounterValues | undefined): Expected | undefined {
    const { manifest } = this.job;
    const reach = reachOf(this.job, packet);
    if (reach.kind !== 'reaches') {
      // Frames of other VLANs that hold no IP packet pass whatever the policy is.
      const refused = reach.code === 'other-vlan' && manifest.vlan === 'drop';
      if (refused) return { verdicts: ['drop', 'accept'], keys: [], bytes: [] };
      return { verdicts: ['accept'], keys: [], bytes: [] };
    }
    if (isWireHook(manifest.hook) && manifest.fragments !== 'judge' && isPiece(this.job, packet)) {
      return { verdicts: [manifest.fragments === 'drop' ? 'drop' : 'accept'], keys: [], bytes: [] };
    }
    const unknown = isWireHook(manifest.hook) && hasWrittenOptions(this.job, packet);
    if (unknown) return { verdicts: ['drop'], keys: [], bytes: [] };
    const wasHit = (rule: RuleRef): boolean => {
      const key = this.keys.get(`${rule.chain} ${rule.number}`);
      return hits !== undefined && key !== undefined && hits[2 * key] > 0;
    };
    const agrees = (reference: Reference): boolean => hits === undefined || this.countsAs(reference, hits);
    const reference = judgeByHits(this.job, packet, wasHit, this.job.states?.[index], agrees);
    if (reference === undefined) {
      if (this.asksIptables() || isEndless(this.job)) return undefined;
      throw new Error('the reference could not decide a packet of an exact object');
    }
    const keys = this.keysOf(reference);
    // A REJECT that iptables leaves unanswered (RST for RST, broadcast, …) is a drop.
    const verdicts: readonly Verdict[] = reference.verdict === 'reject' ? ['reject', 'drop'] : [reference.verdict];
    return { verdicts, keys, bytes: [...reference.lengths, reference.length] };
  }

  /** What a packet of that answer counts, a key for each time. */
  private keysOf(reference: Reference): readonly number[] {
    const keys = reference.hits.map((rule) => this.keys.get(`${rule.chain} ${rule.number}`) ?? -1);
    return reference.decision.by === 'policy' ? [...keys, this.policyKey] : keys;
  }

  private countsAs(reference: Reference, hits: CounterValues): boolean {
    const rest = Float64Array.from(hits.filter((_, i) => i % 2 === 0));
    for (const key of this.keysOf(reference)) rest[key]--;
    return rest.every((packets) => packets === 0);
  }

  /** Whether iptables does for the object what neither a program nor the reference can. */
  private asksIptables(): boolean {
    const { asks, residual } = this.job.manifest;
    return asks !== undefined || residual !== undefined;
  }

  private leaveToIptables(have: Verdict): void {
    this.asked--;
    this.verdicts[have]--;
    const reason = 'packet for a target or test that iptables is asked for';
    this.unasked[reason] = (this.unasked[reason] ?? 0) + 1;
  }

  private checkVerdict(index: number, packet: Packet): void {
    const have = this.ask(index);
    const possible = possibleOf(this.job, packet, this.job.states?.[index]);
    if (!possible.includes(have)) this.report(index, packet, 'verdict', possible.join(' or '), have);
  }

  private checkEarly(index: number, packet: Packet, have: Verdict): void {
    if (have === 'accept') return;
    const reach = reachOf(this.job, packet);
    if (reach.kind !== 'reaches') return;
    const pieces = this.job.manifest.fragments !== 'pass' && isPiece(this.job, packet);
    if (!pieces && mayAccept(this.job, packet, this.job.states?.[index]))
      this.report(index, packet, 'verdict', 'accept is possible', have);
  }

  private reportCounters(index: number, packet: Packet, want: CounterValues, have: CounterValues): void {
    const name = (key: number): string => {
      const entry = this.job.manifest.counters[key];
      return entry.kind === 'rule' ? `${entry.chain} ${entry.number}` : `policy of ${entry.chain}`;
    };
    const list = (values: CounterValues): string => {
      const parts: string[] = [];
      for (let key = 0; key < values.length / 2; key++) {
        if (values[2 * key] !== 0 || values[2 * key + 1] !== 0) {
          parts.push(`${name(key)}: ${values[2 * key]} packets, ${values[2 * key + 1]} bytes`);
        }
      }
      return parts.join('; ') || 'nothing';
    };
    this.report(index, packet, 'counters', list(want), list(have));
  }

  private report(index: number, packet: Packet, what: Mismatch['what'], want: string, have: string): void {
    if (this.mismatches.some((known) => known.index === index && known.what === what)) return;
    this.mismatches.push({ engine: this.engine, packet, index, what, want, have });
  }
}

/** Whether some answers are other ones each time that they are asked for. */
export function hasMomentary(job: VerifyJob): boolean {
  let found = false;
  for (const { meaning } of job.analysis.rules) {
    visitCondition(meaning.condition, { opaque: (test) => (found ||= isMomentary(test)) });
  }
  return found;
}

function difference(before: CounterValues, after: CounterValues): CounterValues {
  return after.map((value, i) => value - before[i]);
}
