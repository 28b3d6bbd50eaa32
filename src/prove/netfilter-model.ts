import type { BuiltinChain } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import { setChecksum } from './example-bytes.js';
import { FALSE, type Assignment } from './bdd.js';
import { connectionState, possibleConnections, stateOf } from './connection.js';
import type { Called, EntryModel, EntryWorld, Example, ShapedEntry, Symbols } from './entry-model.js';
import { transportNeed, type Known } from './flow.js';
import { Frame, networkOffset, TOTAL_LENGTH, type Shape } from './frame.js';
import { endsWalk, interfaceNumber, isBeside, readPacketField, type IpPacket } from './ip-reading.js';
import { ipv6Samples, ipv6Shapes } from './ipv6-shapes.js';
import { MARK_AFTER } from './flow.js';
import { HOOK, NetfilterWorld } from './netfilter-world.js';
import { orderOwner, ownerOf } from './owner.js';
import type { Specification } from './specification.js';
import { unsupported } from './unprovable.js';
import { nameOf } from './wire-model.js';
import { deviceName } from './wire-world.js';
import { bitAt, constantBits, slice, type Bits } from './words.js';

/** netfilter: every packet that the stack may bring to the chain, as net/ipv4 and net/ipv6 have checked it. */
export class NetfilterModel implements EntryModel {
  readonly shapes: readonly Shape[];
  readonly samples: readonly [Shape, Shape];
  readonly notes;

  constructor(
    private readonly symbols: Symbols,
    private readonly specification: Specification,
  ) {
    const { variables } = symbols;
    variables.interleaved([TOTAL_LENGTH, HOOK.linear], 16);
    variables.interleaved([HOOK.mark, MARK_AFTER], 32);
    orderOwner(variables);
    this.shapes = this.isIpv4
      ? Array.from({ length: 11 }, (_, i) => ({ tags: 0, header: 20 + 4 * i }))
      : ipv6Shapes([0]);
    this.samples = this.isIpv4 ? [this.shapes[0], this.shapes[this.shapes.length - 1]] : ipv6Samples(0, 0);
    this.notes = { full: variables.word(HOOK.full, 1)[0], mark: variables.word(HOOK.mark, 32) };
  }

  private get isIpv4(): boolean {
    return this.specification.ruleset.family === 'v4';
  }

  private frame(shape: Shape): Frame {
    const { variables } = this.symbols;
    if (this.isIpv4) {
      const first = [...[0, 1, 2, 3].map((i) => bitAt(constantBits(BigInt(shape.header / 4)), i)), 1, 1, 0, 1];
      return new Frame(variables, shape, 2, first);
    }
    const traffic = variables.word('traffic class', 4);
    return new Frame(variables, shape, undefined, [...traffic, 1, 0, 0, 1]);
  }

  at(shape: Shape): ShapedEntry {
    const { symbols, specification } = this;
    const { words, variables, bdd } = symbols;
    const frame = this.frame(shape);
    const { hookChain, manifest, ruleset } = specification;
    const length = variables.word(TOTAL_LENGTH, 16);
    const packet: IpPacket = { words, family: ruleset.family, frame, length };
    const least = this.isIpv4 ? shape.header : 40;
    const frames = bdd.allOf([
      words.atLeast(length, BigInt(least)),
      ...(this.isIpv4 ? [] : [endsWalk(words, frame.nextHeader)]),
      ...['device', 'out device'].map((device) => words.equal(variables.word(`${device} name 15`, 8), [])),
      possibleConnections(words, variables),
      bdd.anyOf(variables.word('route', 63)),
    ]);
    const unanswered = manifest.asks === undefined ? FALSE : variables.word(HOOK.unanswered, 1)[0];
    const devices = { in: hookChain !== 'OUTPUT', out: hookChain !== 'INPUT' && hookChain !== 'PREROUTING' };
    return {
      frames,
      arrivals: { passed: FALSE, dropped: bdd.and(frames, unanswered), judged: bdd.without(frames, unanswered) },
      counted: length,
      read: (field, wanted) => this.read(packet, field, wanted),
      world: (call: Called): EntryWorld =>
        new NetfilterWorld(words, {
          variables,
          frame,
          devices,
          length,
          lengthAt: undefined,
          flow: { kind: 'flow', name: 'none' },
          entries: manifest.counters.length,
          call,
        }),
    };
  }

  private read(packet: IpPacket, field: Known, wanted = transportNeed(field)): Bits {
    if (!isBeside(field)) return readPacketField(packet, field, wanted);
    const { words, variables } = this.symbols;
    const { hookChain } = this.specification;
    switch (field) {
      case 'ttl':
        // Of a packet that is forwarded, one has been taken off.
        return packet.frame.ip(this.isIpv4 ? 8 : 7);
      case 'mark':
        return variables.word(HOOK.mark, 32);
      case 'iif':
        return hookChain === 'OUTPUT' ? [] : interfaceNumber(words, deviceName(variables, 'device'));
      case 'oif': {
        const hasOutput = hookChain !== 'INPUT' && hookChain !== 'PREROUTING';
        return hasOutput ? interfaceNumber(words, deviceName(variables, 'out device')) : [];
      }
      case 'pkttype':
        return this.packetType(packet);
      case 'connection state':
        return connectionState(words, variables);
      case 'route type':
        return variables.word(HOOK.routeType, 4);
      case 'answers':
        return variables.word(HOOK.answers, 32);
      case 'socket':
        return ownerOf(words, variables).bits;
      case 'socket user':
        return ownerOf(words, variables).user;
      case 'socket group':
        return ownerOf(words, variables).group;
      case 'mac.src':
      case 'mac.ether':
        throw unsupported(`${field} at netfilter`);
    }
  }

  /** pkttype_mt (net/netfilter/xt_pkttype.c): what comes back from the loopback device is a group's by its address. */
  private packetType({ frame }: IpPacket): Bits {
    if (!this.isIpv4) throw unsupported('pkttype of IPv6');
    const { words, variables } = this.symbols;
    const type = variables.word(HOOK.packetType, 3);
    const multicast = words.equal(slice(frame.ip(16, 4), 28, 4), constantBits(0xen));
    const byAddress = words.choose(multicast, constantBits(2n), constantBits(1n));
    return words.choose(words.equal(type, constantBits(5n)), byAddress, type);
  }

  example(shape: Shape, values: Assignment, chain: BuiltinChain): Example {
    const { bdd, words, variables } = this.symbols;
    const frame = this.frame(shape);
    const number = (name: string): number => Number(variables.value(name, values) ?? 0n);
    const length = Math.max(number(TOTAL_LENGTH), this.isIpv4 ? shape.header : 40);
    const network = networkOffset(shape);
    const bytes = new Uint8Array(network + length);
    for (let at = network; at < bytes.length; at++) {
      frame.byte(at).forEach((bit, i) => (bytes[at] |= bdd.holds(bit, values) ? 1 << i : 0));
    }
    finish(bytes, network, { v4: this.isIpv4, header: shape.header, forwarded: chain === 'FORWARD' });
    const named = (device: string): string => nameOf(this.symbols, device, values) || 'eth0';
    const packet: Packet = {
      frame: bytes,
      inInterface: chain === 'OUTPUT' ? '' : named('device'),
      outInterface: chain === 'OUTPUT' || chain === 'FORWARD' ? named('out device') : '',
      mark: number(HOOK.mark),
    };
    const state = connectionState(words, variables).reduce(
      (sum, bit, i) => (bdd.holds(bit, values) ? sum | (1n << BigInt(i)) : sum),
      0n,
    );
    return { packet, state: stateOf(state) };
  }
}

/** What the symbols do not say: link header, lengths, checksum, and the hop that a forwarded packet has gone. */
function finish(
  bytes: Uint8Array,
  network: number,
  { v4, header, forwarded }: { readonly v4: boolean; readonly header: number; readonly forwarded: boolean },
): void {
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
  view.setUint16(12, v4 ? 0x0800 : 0x86dd);
  const hops = network + (v4 ? 8 : 7);
  if (forwarded) bytes[hops] = (bytes[hops] + 1) & 0xff;
  if (v4) setChecksum(bytes, network, header);
  else view.setUint16(network + 4, bytes.length - network - 40);
}
