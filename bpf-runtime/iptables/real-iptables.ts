import { type BuiltinChain, type Family, isLeaving, type TableName } from '../../grammar/model/family.js';
import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import type { Counters, RuleRef } from '../../grammar/model/ruleset.js';
import { run } from '../system/command.js';
import { RuntimeError } from '../system/error.js';
import { withNetworkNamespace } from '../system/namespace.js';
import { Testbed } from '../system/testbed.js';
import { EgressInjector, IngressInjector, type Injector } from './inject.js';
import {
  ANNOUNCE,
  instrument,
  NotPlainError,
  type Conclusion,
  type InstrumentedTable,
  type Verdict,
} from './instrument.js';
import { PacketLog } from './packet-log.js';
import { finishChecksum, isRejectReply } from './reply.js';
import { readTables, type TableText } from './ruleset-text.js';
import { parseCounters, Tools, type ChainCounters, type Variant } from './tables.js';

export interface RealIptablesOptions {
  /** Text of `iptables-save`; all its tables are loaded. Counters in it are ignored. */
  readonly ruleset: string;
  readonly family: Family;
  readonly chain: BuiltinChain;
  /** Table of the chain that judges. Default filter. */
  readonly table?: TableName;
  /** Default legacy. */
  readonly variant?: Variant;
  /** Interfaces to make at once; those that packets name come by themselves. */
  readonly interfaces?: readonly string[];
  /** Ethernet address of the interfaces (default TESTBED_MAC). */
  readonly mac?: string;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  /** Prefixes that are local, see TestbedOptions: REJECT at INPUT answers from such addresses alone. */
  readonly local?: readonly string[];
  /** Group of each interface, by its name; default 0. */
  readonly groups?: (name: string) => number;
  /** Text for `ipset restore`, read before the ruleset: the sets that its rules name. */
  readonly ipset?: string;
  /** Packets bypass connection tracking (`-j CT --notrack` before all else): their state is UNTRACKED. */
  readonly notrack?: boolean;
  /** Keep what REJECT answers. */
  readonly captureReplies?: boolean;
}

/** What became of a packet at the judged chain. */
export type Judgement =
  | {
      readonly reached: true;
      readonly verdict: Verdict;
      /** The rule that decided, by its number in the given text; absent where a match dropped the packet (hotdrop). */
      readonly rule?: RuleRef | 'policy';
      /** Answer of REJECT: an IP packet with whole checksums. Only with `captureReplies`. */
      readonly reply?: Uint8Array;
    }
  | {
      readonly reached: false;
      readonly verdict?: undefined;
      readonly rule?: undefined;
      readonly reply?: undefined;
      /** `stack`: the kernel dropped or kept it before the chain; `unsendable`: it cannot be brought there unchanged. */
      readonly reason: 'stack' | 'unsendable';
    };

const REPLY_BYTES = 2048;
const LATE_MS = 2;

/**
 * The kernel's own iptables as judge, in a network namespace of its own. Every end of the chain logs itself before it
 * decides (the rules stay what they are and count what they count), and packets are sent one by one, each with its
 * log messages read before the next: so a message needs no tag, and memory (limit, recent, conntrack, fragments
 * waiting for each other) works as on a host. A reassembled datagram is judged at its last piece; the pieces before
 * are `reached: false`.
 *
 * Needs root and the tools of the variant.
 */
export class RealIptables {
  private readonly conclusions: readonly Conclusion[];
  private readonly injector: Injector;
  private readonly added = new Map<string, number>();

  private constructor(
    readonly testbed: Testbed,
    private readonly table: TableName,
    private readonly tools: Tools,
    private readonly log: PacketLog,
    private readonly groups: LogGroups,
    private readonly instrumented: InstrumentedTable,
  ) {
    this.conclusions = instrumented.conclusions;
    const egress = isLeaving(testbed.chain);
    this.injector = egress ? new EgressInjector(testbed) : new IngressInjector(testbed);
  }

  /** Throws `ruleset-refused` with the tool's message, `unsupported-target` where a target's verdict is not known. */
  static create(options: RealIptablesOptions): RealIptables {
    const table = options.table ?? 'filter';
    const tools = new Tools(options.family, options.variant ?? 'legacy');
    const groups = freeGroups(options.ruleset);
    const { others, judged } = prepare(options, table, tools, groups.verdicts);
    const testbed = Testbed.create(options);
    let log: PacketLog | undefined;
    try {
      log = testbed.run(() => {
        load(others + judged.text, options, tools);
        return new PacketLog();
      });
      const engine = new RealIptables(testbed, table, tools, log, groups, judged);
      testbed.run(() => engine.guard(options));
      return engine;
    } catch (error) {
      log?.close();
      testbed.close();
      throw error;
    }
  }

  /** Adds what keeps the judged chain's counters clean, and begins to listen. */
  private guard(options: RealIptablesOptions): void {
    const output: string[] = [];
    const prerouting: string[] = [];
    if (isLeaving(this.testbed.chain)) prerouting.push('-j DROP');
    if (options.notrack === true) (isLeaving(this.testbed.chain) ? output : prerouting).push('-j CT --notrack');
    // What the kernel sends by itself ends here, before any rule counts it; what our sockets send goes on.
    const own = `-m owner ! --uid-owner ${process.geteuid?.() ?? 0}`;
    output.push(`${own} -j NFLOG --nflog-group ${this.groups.replies} --nflog-prefix 0`, `${own} -j DROP`);
    const insert = (chain: string, rules: readonly string[]): readonly string[] => {
      if (this.table === 'raw') this.added.set(chain, (this.added.get(chain) ?? 0) + rules.length);
      return rules.map((rule, i) => `-I ${chain} ${i + 1} ${rule}`);
    };
    const lines = ['*raw', ...insert('OUTPUT', output), ...insert('PREROUTING', prerouting), 'COMMIT', ''];
    this.tools.restore(lines.join('\n'), { keep: true });
    this.addTo(this.testbed.chain, 1);
    for (const chain of this.instrumented.bypassed) this.addTo(chain, 1);
    this.log.bind(this.groups.verdicts, 0);
    if (options.captureReplies === true) this.log.bind(this.groups.replies, REPLY_BYTES);
    this.tools.zero(this.table);
  }

  private addTo(chain: string, rules: number): void {
    this.added.set(chain, (this.added.get(chain) ?? 0) + rules);
  }

  /** Sends packets, in order, and says what became of each. */
  judge(packets: readonly Packet[]): readonly Judgement[] {
    return packets.map((packet) => this.judgeOne(packet));
  }

  private judgeOne(packet: Packet): Judgement {
    const sent = this.injector.send(packet);
    const judgement = this.readJudgement(sent);
    // What goes through lo may be put off by the kernel: a packet that says nothing gets time to.
    if (judgement.reached || !sent || !this.mayBeLate(packet)) return judgement;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LATE_MS);
    return this.readJudgement(sent);
  }

  private mayBeLate(packet: Packet): boolean {
    return !isLeaving(this.testbed.chain) && this.testbed.device(packet.inInterface).kind === 'loopback';
  }

  private readJudgement(sent: boolean): Judgement {
    let reached = false;
    let conclusion: Conclusion | undefined;
    let reply: Uint8Array | undefined;
    this.log.drain(({ group, prefix, payload }) => {
      if (group === this.groups.replies) {
        if (conclusion?.verdict !== 'reject' || !isRejectReply(this.testbed.family, payload)) return;
        reply = finishChecksum(this.testbed.family, payload);
      } else if (prefix === ANNOUNCE) {
        if (reached) throw new RuntimeError('unexpected-message', 'a packet came to its chain twice');
        reached = true;
      } else if (reached) {
        // Before the announcement it was another chain of the table, in which a shared chain decided.
        conclusion ??= this.conclusions[prefix - 1];
      }
    });
    if (!reached) return { reached: false, reason: sent ? 'stack' : 'unsendable' };
    if (conclusion === undefined) return { reached: true, verdict: 'drop' };
    const { verdict, rule } = conclusion;
    return reply === undefined ? { reached: true, verdict, rule } : { reached: true, verdict, rule, reply };
  }

  /** Counters of all chains of the judged table, for the rules as given. */
  counters(): ReadonlyMap<string, ChainCounters> {
    const all = parseCounters(this.testbed.run(() => this.tools.save(this.table)));
    const result = new Map<string, ChainCounters>();
    for (const [name, chain] of all) {
      if (this.instrumented.helpers.has(name)) continue;
      const front = this.added.get(name) ?? 0;
      const back = name === this.testbed.chain ? 1 : 0;
      result.set(name, { ...chain, rules: chain.rules.slice(front, chain.rules.length - back) });
    }
    return result;
  }

  /** Counters of one rule, by its number from 1. */
  counter(rule: RuleRef): Counters | undefined {
    return this.counters().get(rule.chain)?.rules[rule.number - 1];
  }

  resetCounters(): void {
    this.testbed.run(() => this.tools.zero(this.table));
  }

  /** What the reference evaluator has to know of this namespace to agree with it. */
  surroundings(): Surroundings {
    return this.testbed.surroundings();
  }

  close(): void {
    this.injector.close();
    this.log.close();
    this.testbed.close();
  }
}

interface LogGroups {
  readonly verdicts: number;
  readonly replies: number;
}

/** Two NFLOG groups that the ruleset does not use. */
function freeGroups(ruleset: string): LogGroups {
  const used = new Set([...ruleset.matchAll(/--nflog-group\s+(\d+)/g)].map((match) => Number(match[1])));
  const free: number[] = [];
  for (let group = 4001; free.length < 2; group++) if (!used.has(group)) free.push(group);
  return { verdicts: free[0], replies: free[1] };
}

/** Loads sets and rules in the calling thread's network namespace. */
function load(ruleset: string, options: RealIptablesOptions, tools: Tools): void {
  if (options.ipset !== undefined) run('ipset', ['restore'], options.ipset);
  tools.restore(ruleset);
}

interface Prepared {
  /** Tables that do not judge, as given. */
  readonly others: string;
  readonly judged: InstrumentedTable;
}

/** Instruments the text as given, or, where it does not tell its rules one by one, as the tool prints it back. */
function prepare(options: RealIptablesOptions, table: TableName, tools: Tools, group: number): Prepared {
  try {
    const prepared = prepareText(options.ruleset, options.chain, table, group);
    if (isFaithful(prepared, options, table, tools)) return prepared;
  } catch (error) {
    if (!(error instanceof NotPlainError)) throw error;
  }
  const saved = withNetworkNamespace(() => {
    load(options.ruleset, options, tools);
    return readTables(options.ruleset)
      .map(({ name }) => tools.save(name))
      .join('');
  });
  return prepareText(saved, options.chain, table, group);
}

function prepareText(text: string, chain: BuiltinChain, table: TableName, group: number): Prepared {
  const tables = readTables(text);
  const judged = tables.find(({ name }) => name === table) ?? emptyTable(table);
  const others = tables.filter(({ name }) => name !== table).map(({ lines }) => `${lines.join('\n')}\n`);
  return { others: others.join(''), judged: instrument(judged, chain, group) };
}

function emptyTable(name: TableName): TableText {
  return { name, chains: [], rules: [], plain: true, lines: [`*${name}`, 'COMMIT'] };
}

/** Whether the tool reads as many rules in each chain of the given text as were counted in it. */
function isFaithful(prepared: Prepared, options: RealIptablesOptions, table: TableName, tools: Tools): boolean {
  const saved = withNetworkNamespace(() => {
    load(options.ruleset, options, tools);
    return parseCounters(tools.save(table));
  });
  return [...saved].every(([name, { rules }]) => rules.length === (prepared.judged.ruleCounts.get(name) ?? 0));
}
