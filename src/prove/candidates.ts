import { FIELDS, type Field } from '../../grammar/model/fields.js';
import type { Packet } from '../../grammar/model/packet.js';
import { internetChecksum } from '../packet/checksum.js';
import { Random } from '../verify/random.js';
import { shapePacket } from '../verify/shape.js';
import type { Chain } from '../verify/job.js';
import type { Assignment } from './bdd.js';
import type { ChainProof, Difference } from './chain-proof.js';
import { FRAME_LENGTH, networkOffset } from './frame.js';
import { reaching } from './reach.js';
import type { EntryDifference, WireEntryProof } from './wire-entry.js';
import { CONTEXT } from './wire-world.js';

const TRIES = 24;
const DEFAULT_IFINDEX = 1n;

/** Packets that come to a rule with the fields for which its code differs. */
export function packetsAtRule(
  proof: ChainProof,
  difference: Difference,
  chain: Chain,
  random: Random,
): readonly Packet[] {
  const where = reaching(proof, difference);
  const { bdd, variables } = proof;
  const family = proof.settings.family;
  const depends = bdd.support(where);
  const packets: Packet[] = [];
  for (let i = 0; i < TRIES; i++) {
    // The plainest first, then any.
    const assignment = bdd.satisfy(where, () => i > 0 && random.chance(0.5));
    if (assignment === undefined) return packets;
    const values = new Map<Field, bigint>();
    for (const field of Object.keys(FIELDS) as Field[]) {
      if (!variables.has(field) || !variables.variablesOf(field).some((one) => depends.has(one))) continue;
      values.set(field, variables.value(field, assignment) ?? 0n);
    }
    packets.push(shapePacket(values, { family, chain }, random));
  }
  return packets;
}

/** Frames for which the entry function differs, byte by byte. */
export function framesAtEntry(
  proof: WireEntryProof,
  { shape, where }: EntryDifference,
  chain: Chain,
  random: Random,
): readonly Packet[] {
  const packets: Packet[] = [];
  for (let i = 0; i < TRIES; i++) {
    const assignment = proof.bdd.satisfy(where, () => i > 0 && random.chance(0.5));
    if (assignment === undefined) return packets;
    packets.push(frameOf(proof, shape, assignment, chain));
  }
  return packets;
}

function frameOf(proof: WireEntryProof, shape: EntryDifference['shape'], values: Assignment, chain: Chain): Packet {
  const { variables, bdd } = proof;
  const frame = proof.frame(shape);
  const number = (name: string): bigint => variables.value(name, values) ?? 0n;
  const length = Math.min(Number(number(FRAME_LENGTH)), 9000);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    frame.byte(at).forEach((bit, i) => (bytes[at] |= bdd.holds(bit, values) ? 1 << i : 0));
  }
  const network = networkOffset(frame.shape);
  if (number(proof.checksums.nameOf(0, frame.shape.header)) === 1n) putChecksum(bytes, network, frame.shape.header);
  const name = number(CONTEXT.ifindex) === DEFAULT_IFINDEX ? 'lo' : nameOf(proof, values);
  const device = name === '' ? 'eth0' : name;
  return {
    frame: bytes,
    inInterface: chain === 'OUTPUT' ? '' : device,
    outInterface: chain === 'OUTPUT' ? device : chain === 'FORWARD' ? 'eth1' : '',
    mark: Number(number(CONTEXT.mark)),
  };
}

function putChecksum(bytes: Uint8Array, network: number, header: number): void {
  if (bytes.length < network + header) return;
  bytes.fill(0, network + 10, network + 12);
  const sum = internetChecksum(bytes.subarray(network, network + header));
  bytes[network + 10] = sum >> 8;
  bytes[network + 11] = sum & 0xff;
}

/** The device's name, as far as it can be one. */
function nameOf({ variables }: WireEntryProof, values: Assignment): string {
  let name = '';
  for (let i = 0; i < 15; i++) {
    const byte = Number(variables.value(`device name ${i}`, values) ?? 0n);
    if (byte === 0) break;
    name += byte > 32 && byte < 127 && byte !== 47 && byte !== 58 ? String.fromCharCode(byte) : 'x';
  }
  return name;
}
