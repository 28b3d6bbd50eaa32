import type { BuiltinChain, Family, TableName } from '../../grammar/model/family.js';

/** Hooks that see frames, before or behind the IP stack. */
export type WireHook = 'xdp' | 'tc';
/** Hooks that see what a socket gets or sends: those of a control group, or one socket with a filter. */
export type SocketHook = 'cgroup' | 'socket';
/** Where a program runs. */
export type Hook = WireHook | 'netfilter' | SocketHook;
/** `exact`: decides as iptables does, and counts; `early`: drops only what iptables would drop in any case. */
export type Mode = 'exact' | 'early';
/** What an IPv4 fragment meets where iptables would judge the reassembled datagram. */
export type FragmentPolicy = 'judge' | 'drop' | 'pass';
/** Whether REJECT answers on the wire as iptables does, or only drops. */
export type RejectPolicy = 'answer' | 'drop';
/** What a frame with a VLAN id ≠ 0 meets: the stack hands it to another device, whose name this hook cannot know. */
export type VlanPolicy = 'judge' | 'drop' | 'pass';
/**
 * How chains are judged: rule by rule; by diagrams in a table wherever these can be made (exact objects alone); or
 * each stretch of a chain by what is expected to be faster.
 */
export type Engine = 'auto' | 'linear' | 'dag';

/**
 * How early objects ask conntrack's table for the connections of arriving packets: what has no entry is not
 * ESTABLISHED, nor RELATED where no helper expects connections (`no-helpers`).
 */
export type Lookup = 'entries' | 'no-helpers';

/** What is compiled, for where, and how. */
export interface CompileOptions {
  readonly hook: Hook;
  /** May be left out behind the IP stack: then all chains of the table that the hook has. */
  readonly chain?: BuiltinChain;
  /** Default: filter; for PREROUTING the one of raw and mangle that has rules. */
  readonly table?: TableName;
  readonly mode?: Mode;
  readonly fragments?: FragmentPolicy;
  readonly reject?: RejectPolicy;
  readonly vlan?: VlanPolicy;
  /** Default: `auto`. */
  readonly engine?: Engine;
  /** Whether rules are brought into a form that takes less time; the object decides and counts the same. Default true. */
  readonly optimize?: boolean;
  /**
   * Chains that are so high at least above the last one that they lead to are judged once for all jumps to them (visits/plan.ts), even where calls do
   * not nest too deep; the object decides and counts the same. Default: only where the program would be too large.
   */
  readonly visitOnce?: number;
  /** Early mode, arriving packets. Default: the table is not asked. */
  readonly lookup?: Lookup;
  /** CONFIG_HZ of the kernel that will run it: the grain of `-m limit`. Default 250. */
  readonly hz?: number;
  /** Addresses that a list of `-m recent` remembers: parameter `ip_list_tot` of module xt_recent. Default 100. */
  readonly recentEntries?: number;
  /** CLOCK_TAI minus CLOCK_REALTIME there, in seconds: what `-m time` reckons with. Default 0. */
  readonly taiOffset?: number;
  /** Minutes that its kernel's time zone is west of UTC (`-m time --kerneltz`). Default 0. */
  readonly minutesWest?: number;
  /** At netfilter: compare with iptables, and decide nothing. */
  readonly shadow?: boolean;
  /** The dump's text, kept in the manifest. */
  readonly source?: string;
  readonly sourceFile?: string;
}

/** One entry of the map `counters` (per-CPU array; key: u32 index; value: u64 packets, u64 bytes). */
export type CounterEntry =
  | {
      readonly kind: 'rule';
      readonly chain: string;
      /** 1-based, as `iptables -L --line-numbers` counts. */
      readonly number: number;
      /** Line in the dump, from 1. */
      readonly line: number;
      /** Canonical text, `-A CHAIN …`. */
      readonly text: string;
    }
  | { readonly kind: 'policy'; readonly chain: string; readonly policy: 'ACCEPT' | 'DROP' };

/** A rule in front of the program: matches that only iptables knows, and a socket filter that notes where they hold. */
export interface Question {
  /** Name of the socket filter. */
  readonly program: string;
  /** Chains of table mangle in which it stands. */
  readonly chains: readonly BuiltinChain[];
  /** `-m NAME …`, or `-s` or `-d` with a name. */
  readonly words: readonly string[];
  /**
   * Where the question is asked of those packets alone that come to the test: the socket filter that says which do. The
   * question then has a chain of its own, because what it remembers is one for all built-in chains.
   */
  readonly reach?: string;
}

/** A socket filter that goes through a chain in front of its program, up to the next question of those packets that come to it. */
export interface Rehearsal {
  readonly program: string;
  readonly chain: BuiltinChain;
  /** Indices of these questions, in the order in which a packet comes to them. */
  readonly places: readonly number[];
}

/** What iptables is asked in front of the programs of an object. */
export interface Asks {
  /** The socket filter that the first rule asks. */
  readonly begin: string;
  readonly questions: readonly Question[];
  /** Targets (`-j RATEEST …`) that define what the questions compare: they must be there before these are loaded. */
  readonly estimators?: readonly (readonly string[])[];
  /** Where questions are asked of some packets alone. */
  readonly rehearsals?: readonly Rehearsal[];
}

/** A rule that iptables keeps: it asks a socket filter of the object whether its target is for a packet. */
export interface ResidualRule {
  /** Name of the socket filter. */
  readonly program: string;
  /** Chains of table filter in which it stands. */
  readonly chains: readonly BuiltinChain[];
  /** Words in front that the target insists on: `-p tcp` for a reset. All packets for it match them. */
  readonly only?: readonly string[];
  /** `-j NAME …`; empty for a rule without target. */
  readonly target: readonly string[];
}

/** A rule of LOG or NFLOG: what it says of its packets. */
export interface EventRule {
  /** Its key among the counters. */
  readonly rule: number;
  readonly prefix: string;
  /** Syslog level. */
  readonly level: number;
  /** NF_LOG_* bits (include/uapi/linux/netfilter/nf_log.h). */
  readonly flags: number;
  /** Netlink group; absent for LOG. */
  readonly group?: number;
}

/** An event: struct flow, whose second u32 is the rule, and what the program has taken of the packet. */
export interface EventLayout {
  /** Of struct flow. */
  readonly bytes: number;
  /** Byte offsets of fields: numbers in host order, wide ones as u64 words, most significant first. */
  readonly fields: Readonly<Record<string, number>>;
  /** Of three u32: bits (1: there is a socket, 2: it has a file), user, group. */
  readonly owner?: number;
  /**
   * Offsets behind struct flow: u64 CLOCK_MONOTONIC in ns; u32 bytes of the packet; u32 bytes of the link header, the
   * top bit for an Ethernet device; that header; the packet from its IP header on.
   */
  readonly tail: {
    readonly time: number;
    readonly captured: number;
    readonly link: number;
    readonly linkBytes: number;
    readonly packet: number;
  };
  readonly rules: readonly EventRule[];
}

/** What an object says about itself; JSON in section `.debug_ipt2bpf`. */
export interface Manifest {
  readonly format: 1;
  readonly compiler: string;
  readonly family: Family;
  readonly table: TableName;
  /** The object's programs by the name of their entry function, and the chain that each judges. */
  readonly programs: readonly { readonly name: string; readonly chain: BuiltinChain }[];
  /** At netfilter, where iptables answers packets or changes them: the program behind its rules, and these, in order. */
  readonly residual?: { readonly guard: string; readonly rules: readonly ResidualRule[] };
  /** At netfilter, where iptables is asked in front of the program. */
  readonly asks?: Asks;
  /** The programs accept everything and compare: the program that stands behind table filter of iptables. */
  readonly shadow?: { readonly observer: string };
  /** Lists of `-m recent`, and the map that holds each. */
  readonly recent?: readonly { readonly list: string; readonly map: string; readonly entries: number }[];
  /** Tables of `-m hashlimit`, and the map that holds the entries of each. */
  readonly hashlimit?: readonly { readonly table: string; readonly map: string }[];
  /**
   * The IP sets of the object, where it has some: what they hold at first, as `ipset save` prints it, and the map of
   * each (codegen/program/sets/layout.ts). Who loads the object fills the maps and then sets `sets_ready`; as long as
   * that is 0 the programs let nothing through (in `early` mode they drop nothing).
   */
  readonly sets?: {
    readonly text: string;
    readonly maps: readonly { readonly set: string; readonly map: string }[];
  };
  readonly hook: Hook;
  readonly mode: Mode;
  readonly fragments: FragmentPolicy;
  readonly reject: RejectPolicy;
  readonly vlan: VlanPolicy;
  readonly sourceFile: string;
  /** SHA-256 of the dump's text, hex. */
  readonly sourceHash: string;
  readonly source: string;
  /** Index = key in the map `counters`. In `early` mode an entry counts the packets that were dropped by it. */
  readonly counters: readonly CounterEntry[];
  /** What must hold for the object to decide as iptables does: each a sentence. */
  readonly assumptions: readonly string[];
  /** Rules left to what stands behind (`early`), with the reason. */
  readonly deferred: readonly {
    readonly chain: string;
    readonly number: number;
    readonly line: number;
    readonly reason: string;
  }[];
  /** How events (map `events`) are laid out; absent without LOG rules. */
  readonly event?: EventLayout;
  readonly needs: { readonly kernel: string; readonly features: readonly string[] };
}

/** The chains that an object judges, for people. */
export function chainsOf({ programs }: Pick<Manifest, 'programs'>): string {
  return programs.map(({ chain }) => chain).join(', ');
}
