import type { IpSet, IpSetMember } from '../../../grammar/model/ip-set.js';
import { ELEMENT_PARTS, hasNetworks, type ElementPart } from '../../../grammar/sets/types.js';
import type { MapSpec } from '../../object/spec.js';

/**
 * A set as a BPF map: a hash of its elements, or a trie of them where they are networks. The key's parts, in this order:
 *
 * - tries: u32 in host order, the bits of what follows that count
 * - protocol and port: the port (u16, network order), the protocol (u8; 0 in `bitmap:port`), a byte 0
 * - addresses (network order); the network comes last
 * - MAC address, two bytes 0
 */
export interface KeyLayout {
  /** Bytes. */
  readonly bytes: number;
  /** Bytes of each address: 4 or 16. */
  readonly addressBytes: number;
  readonly parts: readonly { readonly part: ElementPart; readonly offset: number; readonly bytes: number }[];
  /** Bits in front of the network that always count; absent in a hash. */
  readonly fixedBits?: number;
}

const TRIE_LENGTH_BYTES = 4;
const PORT_BYTES = 4;
const MAC_BYTES = 8;
const ORDER: Readonly<Record<ElementPart['kind'], number>> = { port: 0, address: 1, net: 2, mac: 3, set: 4 };

export function keyLayout(set: Pick<IpSet, 'type' | 'family'>): KeyLayout {
  const addressBytes = set.family === 'v6' ? 16 : 4;
  const trie = hasNetworks(set.type);
  const sizes = { port: PORT_BYTES, address: addressBytes, net: addressBytes, mac: MAC_BYTES, set: 0 };
  const ordered = [...ELEMENT_PARTS[set.type]].sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
  let offset = trie ? TRIE_LENGTH_BYTES : 0;
  const parts = ordered.map((part) => {
    const bytes = sizes[part.kind];
    const here = offset;
    offset += bytes;
    return { part, offset: here, bytes };
  });
  if (!trie) return { bytes: offset, addressBytes, parts };
  return { bytes: offset, addressBytes, parts, fixedBits: 8 * (offset - TRIE_LENGTH_BYTES - addressBytes) };
}

/** Offsets in the value of an element. */
export const ELEMENT = {
  /** u64: CLOCK_MONOTONIC in nanoseconds when the element goes; 0: never. */
  expires: 0,
  /** u32: bit 0 is set in an exception (`nomatch`). */
  flags: 8,
  /** u32: in a trie the bits of the key that count, as in the key. */
  bits: 12,
} as const;
/** Offsets in the value of an element of a set with counters, behind these: u64 each. */
export const COUNTERS = { packets: 16, bytes: 24 } as const;
const elementBytes = ({ counters }: Pick<IpSet, 'counters'>): number => (counters ? 32 : 16);
export const NOMATCH = 1;

/** BPF_F_NO_PREALLOC: memory for the elements that there are, not for all that there may be. */
const NO_PREALLOC = 1;

export function setMap(set: IpSet, name: string): MapSpec {
  const { bytes, fixedBits } = keyLayout(set);
  return {
    name,
    type: fixedBits === undefined ? 'hash' : 'lpm_trie',
    keySize: bytes,
    valueSize: elementBytes(set),
    maxEntries: Math.max(1, set.maxElements, set.members.length),
    flags: NO_PREALLOC,
  };
}

/** Map of one u32, not 0 once all sets hold what they are to hold. While it is 0 the programs let nothing through. */
export const READY = 'sets_ready';
export const READY_MAP: MapSpec = { name: READY, type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 };
export const READY_KEY = new Uint8Array(4);
export const READY_VALUE = Uint8Array.of(1, 0, 0, 0);

const NS_PER_SECOND = 1_000_000_000n;

/** Bits of a trie's key that count for an element. */
export function bitsOf(member: IpSetMember, { fixedBits = 0, addressBytes }: KeyLayout): number {
  return fixedBits + (member.prefix ?? 8 * addressBytes);
}

/** The key of an element in the set's map. */
export function encodeKey(member: IpSetMember, layout: KeyLayout): Uint8Array {
  const key = new Uint8Array(layout.bytes);
  const view = new DataView(key.buffer);
  if (layout.fixedBits !== undefined) view.setUint32(0, bitsOf(member, layout), true);
  for (const { part, offset, bytes } of layout.parts) {
    switch (part.kind) {
      case 'port':
        view.setUint16(offset, member.port ?? 0);
        view.setUint8(offset + 2, member.protocol ?? 0);
        break;
      case 'address':
      case 'net':
        putNumber(view, offset, bytes, (part.dimension === 0 ? member.address : member.second) ?? 0n);
        break;
      case 'mac':
        view.setBigUint64(offset, (member.mac ?? 0n) << 16n);
        break;
      case 'set':
        break;
    }
  }
  return key;
}

function putNumber(view: DataView, offset: number, bytes: number, value: bigint): void {
  if (bytes === 4) {
    view.setUint32(offset, Number(value));
    return;
  }
  view.setBigUint64(offset, value >> 64n);
  view.setBigUint64(offset + 8, value & ((1n << 64n) - 1n));
}

/** What an element has counted so far, by its text. */
function countedBy({ more = [] }: IpSetMember, counter: keyof typeof COUNTERS): bigint {
  const at = more.indexOf(counter);
  const number = at < 0 ? undefined : more[at + 1];
  return number !== undefined && /^\d+$/.test(number) ? BigInt(number) : 0n;
}

/** The value of an element. `now`: CLOCK_MONOTONIC in nanoseconds, from which its time runs. */
export function encodeValue(
  member: IpSetMember,
  set: Pick<IpSet, 'counters'>,
  layout: KeyLayout,
  now: bigint,
): Uint8Array {
  const value = new Uint8Array(elementBytes(set));
  const view = new DataView(value.buffer);
  const { timeout = 0 } = member;
  view.setBigUint64(ELEMENT.expires, timeout === 0 ? 0n : now + BigInt(timeout) * NS_PER_SECOND, true);
  view.setUint32(ELEMENT.flags, member.nomatch === true ? NOMATCH : 0, true);
  if (layout.fixedBits !== undefined) view.setUint32(ELEMENT.bits, bitsOf(member, layout), true);
  if (set.counters) {
    for (const counter of ['packets', 'bytes'] as const)
      view.setBigUint64(COUNTERS[counter], BigInt.asUintN(64, countedBy(member, counter)), true);
  }
  return value;
}
