import type { CtState } from '../../grammar/model/condition.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import { EgressInjector, IngressInjector, type Injector } from '../iptables/inject.js';
import { PacketLog } from '../iptables/packet-log.js';
import { finishChecksum, isRejectReply } from '../iptables/reply.js';
import { Tools, type Variant } from '../iptables/tables.js';
import { run } from '../system/command.js';
import { RuntimeError } from '../system/error.js';
import { NETLINK_NETFILTER, NetlinkSocket } from '../system/netlink.js';
import { Testbed } from '../system/testbed.js';
import {
  FILTER_CHAINS,
  freeProbeGroups,
  probeRules,
  readSighting,
  type ProbeGroups,
  type WatchedChains,
} from './probes.js';

export interface SequenceHostOptions {
  readonly family: Family;
  /** Text of `iptables-save`: its tables are loaded (with table filter, the kernel's iptables judges). */
  readonly ruleset: string;
  /** What judges packets; default all of table filter. */
  readonly watched?: WatchedChains;
  /** Default legacy. */
  readonly variant?: Variant;
  /** Text for `ipset restore`, read before the ruleset. */
  readonly ipset?: string;
  /** Ethernet address of the interfaces (default TESTBED_MAC). */
  readonly mac?: string;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  /** Prefixes that are local, see TestbedOptions. */
  readonly local?: readonly string[];
}

/** A packet of a sequence: with an input interface alone at INPUT, with both at FORWARD, else at OUTPUT. */
export interface SequencePacket extends Packet {
  /** Milliseconds that pass before it is sent. */
  readonly waitMs?: number;
}

/** What became of a packet. */
export type SequenceJudgement =
  | {
      readonly reached: true;
      readonly chain: BuiltinChain;
      readonly verdict: 'accept' | 'drop' | 'reject';
      /** State of its connection as the kernel sees it in front of the chain, SNAT and DNAT beside it. */
      readonly ctstate: readonly CtState[];
      /** Answer of REJECT: an IP packet with whole checksums. */
      readonly reply?: Uint8Array;
      /** An accepted packet behind the chain: its first bytes, and its mark. */
      readonly passed?: { readonly bytes: Uint8Array; readonly mark: number };
    }
  | {
      readonly reached: false;
      /** `stack`: the kernel dropped, kept or rewrote it before; `unsendable`: it cannot be sent unchanged. */
      readonly reason: 'stack' | 'unsendable';
    };

type Way = 'INPUT' | 'FORWARD' | 'OUTPUT';

/** The chains that packets come to on a way, the one first that tells most of them. */
const CHAINS: Readonly<Record<Way, readonly BuiltinChain[]>> = {
  INPUT: ['INPUT', 'PREROUTING'],
  FORWARD: ['FORWARD', 'POSTROUTING', 'PREROUTING'],
  OUTPUT: ['OUTPUT', 'POSTROUTING'],
};

function wayOf({ inInterface, outInterface }: Packet): Way {
  if (inInterface === '') return 'OUTPUT';
  return outInterface === '' ? 'INPUT' : 'FORWARD';
}

/** The chain that says what becomes of a packet, by its interfaces: of those on its way, the last but POSTROUTING that is judged. */
export function chainOfPacket(packet: Packet, chains = FILTER_CHAINS.chains): BuiltinChain | undefined {
  return CHAINS[wayOf(packet)].find((chain) => chains.includes(chain));
}

/** Of a packet that is logged. */
const LOGGED_BYTES = 2048;
/** include/uapi/linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h: with nothing named, all is deleted. */
const SUBSYSTEM_CONNTRACK = 1;
const SUBSYSTEM_EXPECTATION = 2;
const MSG_DELETE = 2;
const ALL = new Uint8Array(4);

/**
 * A host and router in a network namespace of its own that tracks connections and tells what its table filter does
 * with each packet of a sequence: packets come in by TAP devices and end behind INPUT or leave by another device, or
 * are sent by a raw socket. Nothing answers them, so a conversation is what the sequence says, both sides of it. What
 * judges is either loaded as rules, untouched, or attached at the netfilter hooks in the place of their table.
 *
 * Needs root, `nft` and the tools of the variant.
 */
export class SequenceHost {
  private readonly ingress: Injector;
  private readonly egress: Injector;

  private constructor(
    readonly testbed: Testbed,
    readonly tools: Tools,
    private readonly log: PacketLog,
    private readonly tracking: NetlinkSocket,
    private readonly groups: ProbeGroups,
    private readonly watched: WatchedChains,
  ) {
    this.ingress = new IngressInjector(testbed);
    this.egress = new EgressInjector(testbed);
  }

  /** Throws `ruleset-refused` with the tool's message, `command-missing` where a tool is not installed. */
  static create(options: SequenceHostOptions): SequenceHost {
    const { family, mac, addresses, local, watched = FILTER_CHAINS } = options;
    const testbed = Testbed.create({
      family,
      chain: 'FORWARD',
      ...(mac === undefined ? {} : { mac }),
      ...(addresses === undefined ? {} : { addresses }),
      ...(local === undefined ? {} : { local }),
    });
    let log: PacketLog | undefined;
    let tracking: NetlinkSocket | undefined;
    try {
      const tools = new Tools(family, options.variant ?? 'legacy');
      const groups = freeProbeGroups(options.ruleset);
      testbed.run(() => {
        if (options.ipset !== undefined) run('ipset', ['restore'], options.ipset);
        tools.restore(options.ruleset);
        run('nft', ['-f', '-'], probeRules(family, groups, process.geteuid?.() ?? 0, watched));
      });
      log = testbed.run(() => new PacketLog());
      log.bind(groups.sightings, 0);
      log.bind(groups.replies, LOGGED_BYTES);
      log.bind(groups.passed, LOGGED_BYTES);
      tracking = testbed.run(() => new NetlinkSocket(NETLINK_NETFILTER));
      return new SequenceHost(testbed, tools, log, tracking, groups, watched);
    } catch (error) {
      log?.close();
      tracking?.close();
      testbed.close();
      throw error;
    }
  }

  /** Sends packets in order, each when the one before has been judged, after all connections have been forgotten. */
  judgeSequence(packets: readonly SequencePacket[]): readonly SequenceJudgement[] {
    this.forgetConnections();
    return packets.map((packet) => {
      if (packet.waitMs !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, packet.waitMs);
      return this.judge(packet);
    });
  }

  /** Takes all connections and expectations out of the kernel's tables, as `conntrack -F` does. */
  forgetConnections(): void {
    for (const subsystem of [SUBSYSTEM_CONNTRACK, SUBSYSTEM_EXPECTATION]) {
      this.tracking.request('forget connections', (subsystem << 8) | MSG_DELETE, 0, ALL);
    }
  }

  private judge(packet: Packet): SequenceJudgement {
    const chain = chainOfPacket(packet, this.watched.chains);
    const sent = this.send(packet);
    const ctstate: CtState[] = [];
    let passed: { readonly bytes: Uint8Array; readonly mark: number } | undefined;
    let reply: Uint8Array | undefined;
    this.log.drain(({ group, prefix, payload, mark }) => {
      if (group === this.groups.replies) {
        if (isRejectReply(this.testbed.family, payload)) reply = finishChecksum(this.testbed.family, payload);
        return;
      }
      const sighting = readSighting(prefix);
      if (sighting === undefined || sighting.chain !== chain) return;
      if (passed !== undefined) {
        // Broadcasts and multicasts leave, and come back to this host (net/ipv4/ip_output.c ip_mc_output).
        if (chain === 'POSTROUTING') return;
        throw new RuntimeError('unexpected-message', 'a packet came to its chain twice');
      }
      if (sighting.kind === 'passes') passed = { bytes: payload.slice(), mark };
      else if (!ctstate.includes(sighting.state)) ctstate.push(sighting.state);
    });
    if (ctstate.length === 0 || chain === undefined) return { reached: false, reason: sent ? 'stack' : 'unsendable' };
    if (passed !== undefined) return { reached: true, chain, verdict: 'accept', ctstate, passed };
    if (reply === undefined) return { reached: true, chain, verdict: 'drop', ctstate };
    return { reached: true, chain, verdict: 'reject', ctstate, reply };
  }

  private send(packet: Packet): boolean {
    switch (wayOf(packet)) {
      case 'INPUT':
        this.testbed.deliverHere();
        return this.ingress.send(packet);
      case 'FORWARD':
        this.testbed.forwardTo(packet.outInterface);
        return this.ingress.send(packet);
      case 'OUTPUT':
        return this.egress.send(packet);
    }
  }

  /** What the reference evaluator has to know of this namespace to agree with it, beside the state of a packet. */
  surroundings(): Surroundings {
    return this.testbed.surroundings();
  }

  close(): void {
    this.ingress.close();
    this.egress.close();
    this.tracking.close();
    this.log.close();
    this.testbed.close();
  }
}
