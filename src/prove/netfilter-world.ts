import { ATOMIC_OP, HELPER } from '../../codegen/bytecode/instruction.js';
import { ASKED } from '../../codegen/program/netfilter/ask.js';
import { NOTE, NOTED, PENDING } from '../../codegen/program/netfilter/notes.js';
import { DYNPTR_BYTES, DYNPTR_KFUNC, NF_CONTEXT, READ_KFUNC } from '../../codegen/program/netfilter/structs.js';
import { FALSE, TRUE, type Ref } from './bdd.js';
import { connectionMember, loadConnection, probeReadKernel } from './connection.js';
import type { Note } from './entry-model.js';
import { kernelRegion } from './kernel-region.js';
import type { Frame } from './frame.js';
import { networkOffset, TOTAL_LENGTH } from './frame.js';
import { loadOwner } from './owner.js';
import { ObjectWorld, type ObjectWorldSettings } from './object-world.js';
import { bitsOf, mergeValues, type State } from './state.js';
import { unsupported } from './unprovable.js';
import { constant, numberOf, pointer, unknown, word, type Pointer, type Region, type Value } from './value.js';
import type { Variables } from './variables.js';
import { deviceName } from './wire-world.js';
import { constantBits, sameBits, trim, type Bits, type Words } from './words.js';

export interface NetfilterSettings extends ObjectWorldSettings {
  readonly variables: Variables;
  readonly frame: Frame;
  /** Which devices the hook's state names. */
  readonly devices: { readonly in: boolean; readonly out: boolean };
}

/** Names of the variables that are no bytes of the packet. */
export const HOOK = {
  mark: 'skb mark',
  packetType: 'skb pkt_type',
  routeType: 'route type',
  /** Bytes of the packet that lie in one piece. */
  linear: 'linear length',
  answers: 'answers',
  unanswered: 'no answers',
  full: 'no room for a note',
} as const;

/** Start of the names of events of notes; the note's place follows. */
export const NOTE_EVENT = 'note ';

const SKB = kernelRegion('sk_buff');
const DYNPTR = kernelRegion('bpf_dynptr');
/** The bytes of the packet that lie in one piece, from its IP header on; and the same as what the program may read. */
const LINEAR = kernelRegion('linear bytes');
const READABLE = kernelRegion('readable bytes');

/** What a netfilter program gets from the kernel (net/netfilter/nf_bpf_link.c). */
export class NetfilterWorld extends ObjectWorld {
  readonly marks: readonly Bits[] = [];
  readonly notes: Note[] = [];
  private readonly pending: Region = { kind: 'map-value', name: PENDING, key: 0 };
  private readonly answers: Region = { kind: 'map-value', name: ASKED, key: 0 };
  private unknowns = 0;

  constructor(
    words: Words,
    private readonly hook: NetfilterSettings,
  ) {
    super(words, hook);
  }

  /** Pointers to structs of which the verifier knows the type are read through a table of faults, which gives 0. */
  readsNull(region: Region): boolean {
    return region.kind === 'kernel';
  }

  undecided(): Ref {
    return this.hook.variables.word(`unknown ${this.unknowns++}`, 1)[0];
  }

  member(base: Value, struct: string, member: string): Value | undefined {
    const { words, hook } = this;
    if (struct === 'rtable') {
      const bits = bitsOf(base, words);
      const isRoute = bits !== undefined && sameBits(bits, [FALSE, ...hook.variables.word('route', 63)]);
      return isRoute ? pointer(kernelRegion(`rtable.${member}`)) : undefined;
    }
    return connectionMember(base, { struct, member }, words, hook.variables);
  }

  override load(from: Pointer, size: number, state: State): Value {
    const { region, offset, index } = from;
    if (region.kind === 'context' && index === undefined && size === 8) {
      if (offset === NF_CONTEXT.state) return pointer(kernelRegion('nf_hook_state'));
      if (offset === NF_CONTEXT.skb) return pointer(SKB);
    }
    if (region === READABLE) return this.readLinear(from, size, state);
    if (region.kind === 'kernel') return this.kernelMember(region, offset, size);
    if (region === this.pending) return unknown('how many packets are noted');
    if (region === this.answers && offset === 0 && size === 4) return this.variable(HOOK.answers, 32);
    return super.load(from, size, state);
  }

  private variable(name: string, width: number): Value {
    return word(this.hook.variables.word(name, width));
  }

  private kernelMember(region: Region, offset: number, size: number): Value {
    const { name, instance = 'device', either } = region;
    if (either !== undefined) {
      const [one, other] = [either.one, either.other].map((each) => this.kernelMember(each, offset, size));
      return mergeValues(() => either.when, one, other, this.words) ?? unknown('one of two structs of the kernel');
    }
    const { variables, devices } = this.hook;
    const connection = loadConnection(name, offset, size, variables);
    if (connection !== undefined) return connection;
    const owner = offset === 0 ? loadOwner(name, instance, size, variables) : undefined;
    if (owner !== undefined) return owner;
    const device = kernelRegion('net_device', 'device');
    if (offset === 0) {
      switch (`${name} ${size}`) {
        case 'sk_buff.len 4':
          return word(variables.word(TOTAL_LENGTH, 16));
        case 'sk_buff.data_len 4':
          // What is taken from the length again: that more than all would lie in one piece is no packet's case, and does no harm.
          return word(this.words.subtract(variables.word(TOTAL_LENGTH, 16), variables.word(HOOK.linear, 16), 64));
        case 'sk_buff.data 8':
          return pointer(LINEAR);
        case 'sk_buff.mark 4':
          return this.variable(HOOK.mark, 32);
        case 'sk_buff.__pkt_type_offset 1':
          return word([...variables.word(HOOK.packetType, 3), ...variables.word('bits beside pkt_type', 5)]);
        case 'sk_buff._skb_refdst 8':
          return word([...variables.word('uncounted route', 1), ...variables.word('route', 63)]);
        case 'rtable.rt_type 2':
          return this.variable(HOOK.routeType, 4);
        case 'nf_hook_state.in 8':
          return pointer(device, 0, devices.in ? FALSE : TRUE);
        case 'nf_hook_state.out 8':
          return pointer(kernelRegion('net_device', 'out device'), 0, devices.out ? FALSE : TRUE);
      }
    }
    if (name === 'net_device.name' && size === 8 && (offset === 0 || offset === 8)) {
      return word(deviceName(variables, instance).slice(offset * 8, offset * 8 + 64));
    }
    throw unsupported(`kernel struct member ${name}`);
  }

  atomic(to: Pointer, size: number, operation: number): void {
    // Only how many packets are noted, which tells nothing of this one.
    if (to.region !== this.pending || to.offset !== 0 || size !== 8 || operation !== ATOMIC_OP.add) {
      throw unsupported('an atomic operation');
    }
  }

  /** What lies in one piece and is asked for there, as the program has seen it to be; elsewhere anything may lie. */
  private readLinear({ offset, index = [] }: Pointer, size: number, { condition }: State): Value {
    const { words, hook } = this;
    const step = words.constantWhere(condition, index);
    const at = step === undefined ? -1 : offset + Number(step);
    const there = at < 0 ? FALSE : words.atLeast(hook.variables.word(HOOK.linear, 16), BigInt(at + size));
    if (!words.bdd.implies(condition, there)) throw unsupported('a read beyond what lies in one piece');
    return word(trim([...hook.frame.little(networkOffset(hook.frame.shape) + at, size)]));
  }

  /** bpf_rdonly_cast(address, type). */
  private castToRead({ registers }: State): Value {
    const [, address] = registers;
    if (address?.kind !== 'pointer' || address.region !== LINEAR) throw unsupported('reading at another address');
    return { ...address, region: READABLE };
  }

  override kfunc(name: string, state?: State): Value {
    if (name === READ_KFUNC.name && state !== undefined) return this.castToRead(state);
    if (name !== DYNPTR_KFUNC.name || state === undefined) throw unsupported(`kernel function ${name}`);
    const [, skb, flags, to] = state.registers;
    const isPacket = skb?.kind === 'pointer' && skb.region === SKB && skb.offset === 0;
    if (!isPacket || numberOf(flags) !== 0n || to?.kind !== 'pointer' || to.region.kind !== 'stack') {
      throw unsupported('a dynptr of something else');
    }
    for (let at = 0; at < DYNPTR_BYTES; at += 8) state.memory.store(to.region, to.offset + at, 8, pointer(DYNPTR, at));
    return constant(0);
  }

  override helper(number: number, state: State): Value {
    switch (number) {
      case HELPER.dynptr_read:
        return this.readPacket(state);
      case HELPER.probe_read_kernel:
        return probeReadKernel(state, this.words, (from, size) => this.kernelMember(from.region, from.offset, size));
      case HELPER.map_lookup_elem:
        return this.lookUpNote(state) ?? super.helper(number, state);
      case HELPER.map_update_elem:
        return this.writeNote(state);
      case HELPER.map_delete_elem:
        this.checkKey(state, [NOTED, ASKED]);
        return unknown('whether the packet was noted');
      default:
        return super.helper(number, state);
    }
  }

  /** bpf_dynptr_read(dst, len, dynptr, offset, flags): all of the bytes, or an error. */
  private readPacket(state: State): Value {
    const { words, hook } = this;
    const [, to, length, dynptr, from, flags] = state.registers;
    const bytes = Number(numberOf(length) ?? -1n);
    const offset = from === undefined ? undefined : bitsOf(from, words);
    const at = offset === undefined ? undefined : words.constantWhere(state.condition, offset);
    const isStack = to?.kind === 'pointer' && to.region.kind === 'stack' && to.index === undefined;
    const opened =
      dynptr?.kind === 'pointer' && dynptr.region.kind === 'stack'
        ? state.memory.load(dynptr.region, dynptr.offset, 8, words)
        : undefined;
    const isOpen = opened?.kind === 'pointer' && opened.region === DYNPTR && opened.offset === 0;
    if (!isStack || !isOpen || bytes < 0 || at === undefined || at > 0xffffn || numberOf(flags) !== 0n) {
      throw unsupported('a read of the packet at a place that is not known');
    }
    const { bdd } = words;
    const there = words.atLeast(hook.variables.word(TOTAL_LENGTH, 16), at + BigInt(bytes));
    const network = networkOffset(hook.frame.shape);
    const read = hook.frame.little(network + Number(at), bytes);
    for (let i = 0; i < bytes; i++) {
      const byte = read.slice(8 * i, 8 * i + 8);
      // Where the packet is shorter anything may lie there.
      const bits = bdd.implies(state.condition, there)
        ? byte
        : words.choose(there, byte, hook.variables.word(`left on the stack ${i}`, 8));
      state.memory.store(to.region, to.offset + i, 1, word(bits));
    }
    return word(words.choose(there, [], constantBits((1n << 64n) - 14n)));
  }

  /** Look-ups in the maps by which iptables is asked and told. */
  private lookUpNote(state: State): Value | undefined {
    const [, map, key] = state.registers;
    if (map?.kind !== 'pointer' || map.region.kind !== 'map') return undefined;
    if (map.region.name === PENDING) {
      const isStack = key?.kind === 'pointer' && key.region.kind === 'stack';
      const index = isStack ? numberOf(state.memory.load(key.region, key.offset, 4, this.words)) : undefined;
      if (index !== 0n) throw unsupported('another number of packets');
      return pointer(this.pending);
    }
    if (map.region.name !== ASKED) return undefined;
    this.checkKey(state, [ASKED]);
    return pointer(this.answers, 0, this.hook.variables.word(HOOK.unanswered, 1)[0]);
  }

  /** The key is the address of the packet. */
  private checkKey(state: State, maps: readonly string[]): void {
    const [, map, key] = state.registers;
    const isMap = map?.kind === 'pointer' && map.region.kind === 'map' && maps.includes(map.region.name);
    const isStack = key?.kind === 'pointer' && key.region.kind === 'stack' && key.index === undefined;
    const value = isStack ? state.memory.load(key.region, key.offset, 8, this.words) : undefined;
    if (!isMap || value?.kind !== 'pointer' || value.region !== SKB || value.offset !== 0) {
      throw unsupported('a note of another packet');
    }
  }

  private writeNote(state: State): Value {
    this.checkKey(state, [NOTED]);
    const [, , , from] = state.registers;
    if (from?.kind !== 'pointer' || from.region.kind !== 'stack') throw unsupported('a note that is not on the stack');
    const [code, mark, targets] = [NOTE.code, NOTE.mark, NOTE.targets].map((at) => {
      const value = state.memory.load(from.region, from.offset + at, 4, this.words);
      const bits = bitsOf(value, this.words);
      if (bits === undefined) throw unsupported('a note that is not known');
      return bits;
    });
    const number = this.notes.push({ code, mark, targets }) - 1;
    state.note(`${NOTE_EVENT}${number}`, state.condition, this.words);
    const full = this.hook.variables.word(HOOK.full, 1)[0];
    return word(this.words.choose(full, constantBits((1n << 64n) - 7n), []));
  }
}
