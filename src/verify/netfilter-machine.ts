import { readTables } from '../../bpf-runtime/iptables/ruleset-text.js';
import { parseCounters } from '../../bpf-runtime/iptables/tables.js';
import { loadPrograms, type LoadedObject } from '../../bpf-runtime/kernel/raw-load.js';
import { addResidual, attachObject, removePins } from '../../bpf-runtime/netfilter/attach.js';
import {
  SequenceHost,
  type SequenceHostOptions,
  type SequenceJudgement,
  type SequencePacket,
} from '../../bpf-runtime/netfilter/sequence-host.js';
import { FILTER_CHAINS } from '../../bpf-runtime/netfilter/probes.js';
import type { TableName } from '../../grammar/model/family.js';
import type { CounterEntry, Manifest } from '../../codegen/program/manifest.js';
import type { Surroundings } from '../../grammar/model/packet.js';
import { readCounters } from '../../bpf-runtime/kernel/counters.js';
import { residualText } from '../../codegen/program/netfilter/residual.js';
import type { Counters, Ruleset } from '../../grammar/model/ruleset.js';

export { chainOfPacket } from '../../bpf-runtime/netfilter/sequence-host.js';
export type { SequenceJudgement, SequencePacket } from '../../bpf-runtime/netfilter/sequence-host.js';

/** Judges packets one after the other, with connection tracking: what it says depends on those before. */
export interface SequenceMachine {
  /** Begins with no connections known; what rules remember (limits, counters) stays from one sequence to the next. */
  judgeSequence(packets: readonly SequencePacket[]): readonly SequenceJudgement[];
  /** Packets and IP bytes since the beginning, by {@link ruleKey} and {@link policyKey}. */
  counters(): ReadonlyMap<string, Counters>;
  /** What the reference evaluator has to know of the namespace, beside the state of each packet. */
  surroundings(): Surroundings;
  /** Runs in the host's network namespace. */
  inside<T>(body: () => T): T;
  close(): void;
}

/** `CHAIN n`, rules counted from 1. */
export function ruleKey(chain: string, number: number): string {
  return `${chain} ${number}`;
}

export function policyKey(chain: string): string {
  return `${chain} policy`;
}

export interface SequenceOptions extends Omit<SequenceHostOptions, 'ruleset'> {
  /** The dump, with all its tables. */
  readonly ruleset: string;
  /** The same, bound: what stands beside an object is then the text that `compile --residual` writes. */
  readonly bound?: Ruleset;
}

/** The kernel's own iptables with the dump as it is. */
export class IptablesSequences implements SequenceMachine {
  private readonly host: SequenceHost;
  private readonly table: TableName;

  /** Throws `ruleset-refused` with the tool's message. */
  constructor(options: SequenceOptions) {
    this.host = SequenceHost.create(options);
    this.table = (options.watched ?? FILTER_CHAINS).table;
    this.host.testbed.run(() => this.host.tools.zero(this.table));
  }

  judgeSequence(packets: readonly SequencePacket[]): readonly SequenceJudgement[] {
    return this.host.judgeSequence(packets);
  }

  counters(): ReadonlyMap<string, Counters> {
    const values = new Map<string, Counters>();
    for (const [chain, { policy, rules }] of parseCounters(
      this.host.testbed.run(() => this.host.tools.save(this.table)),
    )) {
      rules.forEach((counters, i) => values.set(ruleKey(chain, i + 1), counters));
      if (policy !== undefined) values.set(policyKey(chain), policy);
    }
    return values;
  }

  surroundings(): Surroundings {
    return this.host.surroundings();
  }

  inside<T>(body: () => T): T {
    return this.host.testbed.run(body);
  }

  close(): void {
    this.host.close();
  }
}

export interface NetfilterObject {
  /** The ELF file. */
  readonly object: Uint8Array;
  readonly manifest: Pick<Manifest, 'family' | 'table' | 'programs' | 'residual' | 'asks' | 'counters' | 'reject'>;
}

let pinned = 0;

/** A netfilter object in the place of its table; the other tables of the dump stay with the kernel, and iptables answers. */
export class NetfilterMachine implements SequenceMachine {
  private readonly host: SequenceHost;
  private readonly loaded: LoadedObject;
  private attached: { close(): void } | undefined;

  /** Throws LoadError with the verifier's log, `ruleset-refused` with the tool's message. */
  constructor(
    private readonly judge: NetfilterObject,
    options: SequenceOptions,
  ) {
    this.loaded = loadPrograms(judge.object);
    try {
      this.host = SequenceHost.create({ ...options, ruleset: withoutTable(options.ruleset, judge.manifest.table) });
    } catch (error) {
      this.loaded.close();
      throw error;
    }
    try {
      this.attach(options);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private attach(options: SequenceOptions): void {
    const { manifest } = this.judge;
    const { testbed } = this.host;
    const pins = `/sys/fs/bpf/ipt2bpf-judge-${process.pid}-${pinned++}`;
    try {
      const { variant, bound } = options;
      const text = bound === undefined ? {} : { text: residualText(bound, manifest, pins) };
      const settings = { pins, ...(variant === undefined ? {} : { variant }), ...text };
      testbed.run(() => addResidual(this.loaded, manifest, settings));
    } finally {
      // Nobody changes the table any more.
      removePins(pins);
    }
    this.attached = attachObject(this.loaded, manifest, testbed.namespace);
  }

  judgeSequence(packets: readonly SequencePacket[]): readonly SequenceJudgement[] {
    return this.host.judgeSequence(packets);
  }

  counters(): ReadonlyMap<string, Counters> {
    const map = this.loaded.maps.get('counters');
    if (map === undefined) throw new Error('the object has no map counters');
    const { counters } = this.judge.manifest;
    const counted = readCounters(map, counters.length);
    const values = new Map(counters.map((entry, key) => [counterName(entry), counted[key]] as const));
    this.addKept(values);
    return values;
  }

  /** Chains that packets come to from built-in ones that the object does not judge count in iptables, too. */
  private addKept(values: Map<string, Counters>): void {
    const { table } = this.judge.manifest;
    const saved = parseCounters(this.host.testbed.run(() => this.host.tools.save(table)));
    for (const [chain, { policy, rules }] of saved) {
      if (policy !== undefined) continue;
      for (const [i, kept] of rules.entries()) {
        const own = values.get(ruleKey(chain, i + 1));
        if (own === undefined) continue;
        values.set(ruleKey(chain, i + 1), { packets: own.packets + kept.packets, bytes: own.bytes + kept.bytes });
      }
    }
  }

  surroundings(): Surroundings {
    return this.host.surroundings();
  }

  inside<T>(body: () => T): T {
    return this.host.testbed.run(body);
  }

  close(): void {
    this.attached?.close();
    this.loaded.close();
    this.host.close();
  }
}

function counterName(entry: CounterEntry): string {
  switch (entry.kind) {
    case 'rule':
      return ruleKey(entry.chain, entry.number);
    case 'policy':
      return policyKey(entry.chain);
  }
}

/** The text of all tables but one. */
function withoutTable(text: string, name: string): string {
  const others = readTables(text).filter((table) => table.name !== name);
  return others.map(({ lines }) => `${lines.join('\n')}\n`).join('');
}
