import { HELPER, JMP_OP } from '../../codegen/bytecode/instruction.js';
import type { Family } from '../../grammar/model/family.js';
import { SK_BUFF, XDP_MD } from '../../codegen/program/packet/entry.js';
import { FIB_PARAMS, FIB_PARAMS_BYTES } from '../../codegen/program/packet/route.js';
import { FALSE, not, TRUE, type Ref } from './bdd.js';
import { connectionMember, loadConnection, probeReadKernel } from './connection.js';
import type { Note } from './entry-model.js';
import { OnesComplement } from './checksum.js';
import { kernelRegion } from './kernel-region.js';
import { FRAME_LENGTH, networkOffset, type Frame } from './frame.js';
import { ObjectWorld, type ObjectWorldSettings } from './object-world.js';
import { bitsOf, requireContext, type State } from './state.js';
import { unsupported } from './unprovable.js';
import { constant, pointer, word, type Pointer, type Region, type Value } from './value.js';
import type { Variables } from './variables.js';
import { constantBits, sameBits, slice, type Bits, type Words } from './words.js';

export interface WireSettings extends ObjectWorldSettings {
  readonly hook: 'xdp' | 'tc';
  readonly family: Family;
  readonly variables: Variables;
  readonly frame: Frame;
  readonly checksums: OnesComplement;
}

/** Names of the variables that are no bytes of the frame. */
export const CONTEXT = {
  ifindex: 'ifindex',
  skbLength: 'skb length',
  mark: 'skb mark',
  packetType: 'skb pkt_type',
  vlanPresent: 'vlan present',
  vlanTci: 'vlan tci',
  ingress: 'ingress ifindex',
  gso: 'gso size',
} as const;

/** Answer of the routes: negative, or one of BPF_FIB_LKUP_RET_*. */
export const ROUTE = { failed: 'route failed', code: 'route code', ifindex: 'route ifindex' } as const;

/** What an XDP or tc program gets from the kernel. */
export class WireWorld extends ObjectWorld {
  readonly packet: Region = { kind: 'packet', name: 'frame' };

  constructor(
    words: Words,
    private readonly wire: WireSettings,
  ) {
    super(words, wire);
  }

  override load(from: Pointer, size: number, state: State): Value {
    const { region, offset, index } = from;
    switch (region.kind) {
      case 'context':
        if (index !== undefined) throw unsupported('the context at a place that is not constant');
        return this.contextField(offset, size);
      case 'packet':
        return this.packetBytes(offset, size, index, state);
      case 'kernel':
        return this.kernelMember(region.name, offset, size);
      case 'stack':
      case 'flow':
      case 'map':
      case 'map-value':
        return super.load(from, size, state);
    }
  }

  private variable(name: string, width: number): Value {
    return word(this.wire.variables.word(name, width));
  }

  private get frameEnd(): Value {
    return { ...pointer(this.packet), index: this.wire.variables.word(FRAME_LENGTH, 16) };
  }

  private contextField(offset: number, size: number): Value {
    const { hook } = this.wire;
    if (hook === 'xdp' && size === 4) {
      if (offset === XDP_MD.data) return pointer(this.packet);
      if (offset === XDP_MD.data_end) return this.frameEnd;
      if (offset === XDP_MD.ingress_ifindex) return this.variable(CONTEXT.ifindex, 32);
    }
    if (hook === 'tc' && size === 4) {
      switch (offset) {
        case SK_BUFF.data:
          return pointer(this.packet);
        case SK_BUFF.data_end:
          return this.frameEnd;
        case SK_BUFF.len:
          return this.variable(CONTEXT.skbLength, 16);
        case SK_BUFF.ifindex:
          return this.variable(CONTEXT.ifindex, 32);
        case SK_BUFF.ingress_ifindex:
          return this.variable(CONTEXT.ingress, 32);
        case SK_BUFF.mark:
          return this.variable(CONTEXT.mark, 32);
        case SK_BUFF.pkt_type:
          return this.variable(CONTEXT.packetType, 3);
        case SK_BUFF.vlan_present:
          return this.variable(CONTEXT.vlanPresent, 1);
        case SK_BUFF.vlan_tci:
          return this.variable(CONTEXT.vlanTci, 16);
        case SK_BUFF.gso_size:
          return this.variable(CONTEXT.gso, 16);
      }
    }
    if (hook === 'tc' && offset === SK_BUFF.sk && size === 8)
      return pointer(SOCKET, 0, this.wire.variables.word('no socket', 1)[0]);
    throw unsupported(`context field at ${offset}`);
  }

  private packetBytes(offset: number, size: number, index: Bits | undefined, state: State): Value {
    const { bdd } = this.words;
    if (index !== undefined) {
      const by = this.words.constantWhere(state.condition, index);
      if (by === undefined || by > 0xffffn) throw unsupported('the frame at a place that is not constant');
      return this.packetBytes(offset + Number(by), size, undefined, state);
    }
    const length = this.wire.variables.word(FRAME_LENGTH, 16);
    if (offset < 0 || offset + size > state.readable) {
      const outside = offset < 0 ? TRUE : not(this.words.atLeast(length, BigInt(offset + size)));
      if (bdd.meets(state.condition, outside))
        state.note('fault: a read beyond the frame', bdd.and(state.condition, outside), this.words);
      else state.readable = offset + size;
    }
    return { ...word(this.wire.frame.little(offset, size)), kind: 'word', packet: { offset, size } };
  }

  private kernelMember(path: string, offset: number, size: number): Value {
    if (size === 8 && offset === 0) {
      if (path === 'xdp_buff.rxq') return pointer(kernelRegion('xdp_rxq_info'));
      if (path === 'xdp_rxq_info.dev' || path === 'sk_buff.dev') return pointer(kernelRegion('net_device'));
    }
    if (path === 'net_device.name' && size === 8 && (offset === 0 || offset === 8)) {
      return word(deviceName(this.wire.variables, 'device').slice(offset * 8, offset * 8 + 64));
    }
    const connection = this.wire.hook === 'tc' ? loadConnection(path, offset, size, this.wire.variables) : undefined;
    if (connection !== undefined) return connection;
    if (SOCKET.name === path && offset === 4 && size === 4) return this.variable('socket family', 16);
    throw unsupported(`kernel struct member ${path}`);
  }

  override store(to: Pointer, size: number, value: Value, state: State): void {
    const { region, offset } = to;
    if (region.kind === 'context' && this.wire.hook === 'tc' && offset === SK_BUFF.mark && size === 4) {
      const bits = bitsOf(value, this.words);
      if (bits === undefined) throw unsupported('a mark that is not known');
      const known = this.marks.findIndex((one) => sameBits(one, bits));
      const number = known >= 0 ? known : this.marks.push(bits) - 1;
      state.note(`mark ${number}`, state.condition, this.words);
      return;
    }
    super.store(to, size, value, state);
  }

  /** Marks that the program writes, by the number in the event. */
  readonly marks: Bits[] = [];
  readonly notes: readonly Note[] = [];

  override helper(number: number, state: State): Value {
    switch (number) {
      case HELPER.fib_lookup:
        return this.route(state);
      case HELPER.probe_read_kernel:
        return probeReadKernel(state, this.words, (from, size) =>
          this.kernelMember(from.region.name, from.offset, size),
        );
      case HELPER.skb_pull_data:
        requireContext(state);
        // Only what lies in pieces is pulled: outside of the domain.
        return constant(0);
      default:
        return super.helper(number, state);
    }
  }

  member(base: Value, struct: string, member: string): Value | undefined {
    return connectionMember(base, { struct, member }, this.words, this.wire.variables);
  }

  override kfunc(name: string, state: State): Value {
    if (name !== 'bpf_cast_to_kern_ctx') throw unsupported(`kernel function ${name}`);
    requireContext(state);
    return pointer(kernelRegion(this.wire.hook === 'xdp' ? 'xdp_buff' : 'sk_buff'));
  }

  /** bpf_fib_lookup: what it is asked must be what the packet says. */
  private route(state: State): Value {
    const { words, wire } = this;
    const [, , params, size, flags] = state.registers;
    requireContext(state);
    if (params?.kind !== 'pointer' || params.region.kind !== 'stack' || params.index !== undefined) {
      throw unsupported('a look-up of routes with other arguments');
    }
    const right =
      sameBits(numberBits(size, words), constantBits(BigInt(FIB_PARAMS_BYTES))) &&
      numberBits(flags, words).length === 0;
    let wrong: Ref = right ? FALSE : TRUE;
    for (const { at, bytes, bits } of this.question()) {
      const have = state.memory.load(params.region, params.offset + at, bytes, this.words);
      const known = bitsOf(have, words);
      wrong = known === undefined ? TRUE : words.bdd.or(wrong, not(words.equal(known, bits)));
    }
    const fault = words.bdd.and(state.condition, wrong);
    if (fault !== FALSE) state.note('the routes are asked for something else', fault, words);
    state.memory.forget(params.region, params.offset, FIB_PARAMS_BYTES);
    state.memory.store(params.region, params.offset + FIB_PARAMS.ifindex, 4, this.variable(ROUTE.ifindex, 32));
    const failed = wire.variables.word(ROUTE.failed, 1)[0];
    const code = wire.variables.word(ROUTE.code, 4);
    return word(words.choose(failed, constantBits((1n << 64n) - 22n), code));
  }

  /** What the routes must be asked: struct bpf_fib_lookup of the packet. */
  private question(): readonly Piece[] {
    const { frame, variables, family } = this.wire;
    const network = networkOffset(frame.shape);
    const ifindex = { at: FIB_PARAMS.ifindex, bytes: 4, bits: variables.word(CONTEXT.ifindex, 32) };
    const copy = (at: number, from: number, bytes: number): { at: number; bytes: number; bits: Bits } => ({
      at,
      bytes,
      bits: frame.little(network + from, bytes),
    });
    if (family === 'v4') {
      return [
        { at: FIB_PARAMS.family, bytes: 1, bits: constantBits(2n) },
        ifindex,
        copy(FIB_PARAMS.tos, 1, 1),
        copy(FIB_PARAMS.l4_protocol, 9, 1),
        copy(FIB_PARAMS.source, 12, 4),
        copy(FIB_PARAMS.destination, 16, 4),
      ];
    }
    const source = frame.little(network + 8, 16);
    const linkLocal = this.words.equal(slice(frame.number(network + 8, 2), 6, 10), constantBits(0x3fan));
    return [
      { at: FIB_PARAMS.family, bytes: 1, bits: constantBits(10n) },
      ifindex,
      copyOf(FIB_PARAMS.flowinfo, 4, this.words.and(frame.little(network, 4), constantBits(0xffffff0fn))),
      // For a link-local source the routes have no answer; without one they answer for the destination.
      ...words64(FIB_PARAMS.source, this.words.where(not(linkLocal), source)),
      ...words64(FIB_PARAMS.destination, frame.little(network + 24, 16)),
    ];
  }

  recognise(operation: number, a: Value, b: Value): Ref | undefined {
    if (operation !== JMP_OP.jeq && operation !== JMP_OP.jne) return undefined;
    const holds = this.wire.checksums.compare(a, b);
    if (holds === undefined) return undefined;
    return operation === JMP_OP.jeq ? holds : not(holds);
  }
}

interface Piece {
  readonly at: number;
  readonly bytes: number;
  readonly bits: Bits;
}

const copyOf = (at: number, bytes: number, bits: Bits): Piece => ({ at, bytes, bits });

/** 16 bytes as two words. */
function words64(at: number, bits: Bits): readonly Piece[] {
  return [copyOf(at, 8, slice(bits, 0, 64)), copyOf(at + 8, 8, slice(bits, 64, 64))];
}

function numberBits(value: Value | undefined, words: Words): Bits {
  return (value === undefined ? undefined : bitsOf(value, words)) ?? [FALSE, TRUE];
}

const SOCKET: Region = kernelRegion('bpf_sock');

/** The 16 bytes of a device's name as they lie in memory, the first one least significant. */
export function deviceName(variables: Variables, device: string): Bits {
  return Array.from({ length: 16 }, (_, i) => variables.word(`${device} name ${i}`, 8)).flat();
}
