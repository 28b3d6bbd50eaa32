import type { BuiltinChain, Family, TableName } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import type { Analysis } from '../../codegen/program/analysis.js';
import type { Manifest } from '../../codegen/program/manifest.js';

import type { ConnectionState } from './connection-state.js';

/** What answers: the reference itself (`model`), the object in the interpreter and in the kernel, real iptables. */
export const ENGINES = ['model', 'interpreter', 'kernel', 'iptables'] as const;
/** What can be compared with the reference. */
export type EngineName = (typeof ENGINES)[number];

/** What is compared: a ruleset, the object that was compiled from it, and packets. */
export interface VerifyJob {
  readonly ruleset: Ruleset;
  /** The dump as real iptables loads it. */
  readonly text: string;
  /** The sets that its rules name, for `ipset restore`; they are in the ruleset already. */
  readonly ipset?: string;
  readonly family: Family;
  readonly table: TableName;
  readonly chain: BuiltinChain;
  /** The ELF file: interpreter and kernel run what is in the file. */
  readonly object: Uint8Array;
  readonly manifest: Manifest;
  readonly analysis: Analysis;
  readonly packets: readonly Packet[];
  /** At netfilter hooks: the state of each packet's connection, declared or as the kernel said. */
  readonly states?: readonly ConnectionState[];
}

export type Verdict = 'accept' | 'drop' | 'reject';

/** A packet on which an engine and the reference differ. */
export interface Mismatch {
  readonly engine: EngineName;
  readonly packet: Packet;
  /** Index in the job's packets. */
  readonly index: number;
  readonly what: 'verdict' | 'rule' | 'counters' | 'reach' | 'state' | 'reply' | 'packet';
  /** What the reference says, and what the engine did, in words. */
  readonly want: string;
  readonly have: string;
}

/** A mismatch on fewer rules and a plainer packet. */
export interface Minimised {
  /** The smaller dump: the same engine still differs from the reference in the same way. */
  readonly text: string;
  /** The mismatch on the smaller dump, with the plainer packet. */
  readonly mismatch: Mismatch;
  /** Whether time ran out before nothing more could be left out. */
  readonly unfinished: boolean;
}

/** What one engine was asked, and how it answered. */
export interface EngineReport {
  readonly engine: EngineName;
  /** The chain, where an object of several is asked chain by chain. */
  readonly chain?: BuiltinChain;
  /** Why it was not asked; absent where it was. */
  readonly skipped?: string;
  readonly packets: number;
  /** Packets that this engine cannot be asked about, by reason. */
  readonly unasked: Readonly<Record<string, number>>;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** What was compared beside verdicts, and what not and why. */
  readonly notes: readonly string[];
  readonly mismatches: readonly Mismatch[];
  /** The first mismatch that can be shown by itself, on fewer rules and a plainer packet. */
  readonly minimised?: Minimised;
}

export function noVerdicts(): Record<Verdict, number> {
  return { accept: 0, drop: 0, reject: 0 };
}
