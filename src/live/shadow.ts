import type { Generation } from '../../bpf-runtime/dispatch/control.js';
import { bootTime } from '../../bpf-runtime/system/clock.js';
import { indexKey } from '../../bpf-runtime/kernel/array-key.js';
import { waitForPrograms } from '../../bpf-runtime/kernel/grace.js';
import type { KernelMap } from '../../bpf-runtime/kernel/map.js';
import {
  SHADOW_CLASS,
  SHADOW_COUNTS,
  SHADOW_EXAMPLES,
  SHADOW_MAPS,
  SHADOW_NOTE,
  SHADOW_PHASE,
  SHADOW_STATE,
  shadowCountOffset,
  type ShadowCount,
} from '../../codegen/program/netfilter/shadow.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { summarisePacket } from '../packet/index.js';
import { withPinnedMap } from './generation.js';
import type { Pins } from './pins.js';

/** A packet on which the programs and iptables differ, as far as it is kept. */
export interface Difference {
  readonly chain: BuiltinChain;
  /** What iptables does with it; the programs would do the other. */
  readonly iptables: 'accepts' | 'drops';
  /** Names of devices; empty where there is none. */
  readonly in: string;
  readonly out: string;
  /** The first bytes, from the IP header on. */
  readonly packet: Uint8Array;
}

/** How the programs and table filter of iptables compare at one hook, in packets. */
export interface ChainComparison {
  readonly chain: BuiltinChain;
  readonly bothAccept: bigint;
  readonly bothDrop: bigint;
  /** The programs accept, iptables does not; a packet that waits in a queue is among them for so long. */
  readonly onlyProgramsAccept: bigint;
  /** iptables accepts, the programs do not. */
  readonly onlyIptablesAccepts: bigint;
  /** Decided by a queue, or with no room for a note. */
  readonly notCompared: bigint;
}

export interface Comparison {
  readonly chains: readonly ChainComparison[];
  readonly examples: readonly Difference[];
}

/** Nanoseconds that no packet takes from the programs to the observer. */
const ON_ITS_WAY = 1_000_000_000n;
const HOOKS: readonly BuiltinChain[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/**
 * Begins to compare, once the programs are in force: first packets are noted, then, when those are through that came before,
 * counted. May be called again after an interruption.
 */
export function beginComparing(pins: Pins, side: Generation): void {
  withPinnedMap(pins.generation(side, 'maps', SHADOW_MAPS.state), (map) => {
    if (phaseOf(map) === SHADOW_PHASE.comparing) return;
    setPhase(map, SHADOW_PHASE.noting);
    waitForPrograms();
    setPhase(map, SHADOW_PHASE.comparing);
  });
}

const phaseOf = (map: KernelMap): number => viewOf(map.at(0)).getUint32(SHADOW_STATE.phase, true);

/** Nothing is counted before the last phase: the rest of the value is what it was. */
function setPhase(map: KernelMap, phase: number): void {
  const value = map.at(0);
  viewOf(value).setUint32(SHADOW_STATE.phase, phase, true);
  map.update(indexKey(0), value);
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What has been compared so far. Packets that are on their way at this moment are left out. */
export function readComparison(pins: Pins, side: Generation, chains: readonly BuiltinChain[]): Comparison {
  const path = (name: string): string => pins.generation(side, 'maps', name);
  const left = withPinnedMap(path(SHADOW_MAPS.notes), leftNotes);
  const states = withPinnedMap(path(SHADOW_MAPS.state), (map) => Array.from({ length: READINGS }, () => map.at(0)));
  const seen = withPinnedMap(path(SHADOW_MAPS.examples), (map) =>
    Array.from({ length: SHADOW_EXAMPLES }, (_, i) => map.at(i)).filter((note) => timeOf(note) !== 0n),
  );
  const differences = [
    ...seen.map((note) => differenceOf(note, 'accepts')),
    ...left.map((note) => differenceOf(note, 'drops')),
  ];
  return {
    chains: chains.map((chain) => {
      const certain = differences.filter((one) => one.chain === chain && one.iptables === 'drops').length;
      return compared(states, chain, BigInt(certain));
    }),
    examples: differences,
  };
}

/** How often the counts are read: a packet that is on its way in one reading is through in another. */
const READINGS = 8;
const timeOf = (note: Uint8Array): bigint => viewOf(note).getBigUint64(SHADOW_NOTE.time, true);

/** Notes of packets that have not come to the observer for so long that they are lost. */
function leftNotes(map: KernelMap): readonly Uint8Array[] {
  const before = bootTime() - ON_ITS_WAY;
  return map.keys().flatMap((key) => {
    const note = map.lookup(key);
    if (note === undefined) return [];
    const view = viewOf(note);
    const [phase, kind] = [view.getUint32(SHADOW_NOTE.phase, true), view.getUint32(SHADOW_NOTE.class, true)];
    const lost = phase === SHADOW_PHASE.comparing && kind === SHADOW_CLASS.accepted && timeOf(note) < before;
    return lost ? [note] : [];
  });
}

/** `certain`: packets of which it is known that iptables has dropped them. */
function compared(states: readonly Uint8Array[], chain: BuiltinChain, certain: bigint): ChainComparison {
  const all = states.map((state) => {
    const count = (name: ShadowCount): bigint => viewOf(state).getBigUint64(shadowCountOffset(chain, name), true);
    const { accepted, passed, unexpected, unnoted, dropped, undecided } = Object.fromEntries(
      SHADOW_COUNTS.map((name) => [name, count(name)]),
    ) as Readonly<Record<ShadowCount, bigint>>;
    return {
      bothAccept: passed,
      onlyProgramsAccept: larger(accepted - passed, certain),
      onlyIptablesAccepts: larger(unexpected - unnoted, 0n),
      dropped,
      notCompared: undecided + unnoted,
    };
  });
  const least = (of: (one: (typeof all)[number]) => bigint): bigint => all.map(of).reduce((a, b) => (a < b ? a : b));
  const onlyIptablesAccepts = least((one) => one.onlyIptablesAccepts);
  return {
    chain,
    bothAccept: least((one) => one.bothAccept),
    bothDrop: larger(least((one) => one.dropped) - onlyIptablesAccepts, 0n),
    onlyProgramsAccept: least((one) => one.onlyProgramsAccept),
    onlyIptablesAccepts,
    notCompared: least((one) => one.notCompared),
  };
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function differenceOf(note: Uint8Array, iptables: Difference['iptables']): Difference {
  const view = viewOf(note);
  const name = (at: number): string => {
    const bytes = [0, 8].flatMap((word) => [...note.subarray(at + word, at + word + 8)].reverse());
    return new TextDecoder().decode(new Uint8Array(bytes.filter((byte) => byte !== 0)));
  };
  const length = Math.min(view.getUint32(SHADOW_NOTE.captured, true), SHADOW_NOTE.packetBytes);
  return {
    chain: HOOKS[view.getUint32(SHADOW_NOTE.hook, true)] ?? 'INPUT',
    iptables,
    in: name(SHADOW_NOTE.in),
    out: name(SHADOW_NOTE.out),
    packet: note.slice(SHADOW_NOTE.packet, SHADOW_NOTE.packet + length),
  };
}

/** Whether nothing was judged differently. */
export function agrees({ chains }: Comparison): boolean {
  return chains.every(({ onlyProgramsAccept, onlyIptablesAccepts }) => onlyProgramsAccept + onlyIptablesAccepts === 0n);
}

/** The packet in words. */
export function differenceText({ packet, in: from, out }: Difference): string {
  const place = [from === '' ? '' : `in ${from}`, out === '' ? '' : `out ${out}`].filter((word) => word !== '');
  return [headText(packet), ...place].join(' ');
}

function headText(packet: Uint8Array): string {
  const frame = new Uint8Array(14 + packet.length);
  frame.set((packet[0] ?? 0) >> 4 === 6 ? [0x86, 0xdd] : [0x08, 0x00], 12);
  frame.set(packet, 14);
  // What is cut off behind the headers is nothing to tell.
  return summarisePacket({ frame, inInterface: '', outInterface: '', mark: 0 }).split(
    / (?:cut|pad|payload|smac|dmac) /,
  )[0];
}
