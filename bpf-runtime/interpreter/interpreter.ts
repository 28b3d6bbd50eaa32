import { formatInstruction } from '../../codegen/bytecode/disassemble.js';
import type { Instruction } from '../../codegen/bytecode/instruction.js';
import type { DataSpec, ObjectSpec } from '../../codegen/object/spec.js';
import { compileStep } from './compile.js';
import { Context, type ContextValues } from './context/context.js';
import { SK_BUFF, XDP_MD } from './context/layout.js';
import { contextObjectName, deviceObjectName, deviceObjects, type Device, type PacketConnection } from './devices.js';
import { BpfFault, Fault, LoadError } from './fault.js';
import type { Clock, Environment, FibLookup, Redirect } from './helpers/helper.js';
import { callablesOf, type ProgramType } from './helpers/index.js';
import { mapKernelObjects, type KernelAddress, type KernelObject } from './kernel-objects.js';
import { Machine, STOP, type Step } from './machine.js';
import { createMap, type BpfMap } from './maps/create.js';
import { HostMap } from './maps/host.js';
import { RingMap } from './maps/ring.js';
import { Memory } from './memory.js';
import { HookContext, type HookPacket, type HookType } from './netfilter.js';
import { Packet } from './packet.js';
import { linkProgram, type LinkedInstruction, type Program } from './program.js';
import { seededRandom } from './random.js';
import { ObjectSets, type SetMap } from '../sets/object-sets.js';

export interface InterpreterOptions {
  /** Read at each call of a time helper, so it may be changed between runs. Default: 0 ns. */
  readonly clock?: Clock;
  /** Seed of bpf_get_prandom_u32. Default 0. */
  readonly seed?: number;
  /** Routes. Without it a call of bpf_fib_lookup is a fault. */
  readonly fib?: FibLookup;
  /** Network devices, for programs that read the kernel's own structs. */
  readonly devices?: readonly Device[];
  /** Whether conntrack has an entry for a `struct bpf_sock_tuple` of this protocol. Default: it has none. */
  readonly connected?: (tuple: Uint8Array, protocol: number) => boolean;
  /** Connections that packets may have with them, for programs that read them. */
  readonly connections?: readonly PacketConnection[];
  /** Entry function of the program that is run, of an object with several. Default: the first. */
  readonly entry?: string;
  /** Other kernel objects. Names are free; pointers go by name. */
  readonly kernel?: readonly KernelObject[];
  /** CPUs of per-CPU maps, default 1, and which of them runs the program, default 0. */
  readonly cpus?: number;
  readonly cpu?: number;
  /** Instructions of one run; more are a fault. Default 1,000,000, the most that the verifier would follow. */
  readonly maxInstructions?: number;
  /** Bytes of the stack that nothing was stored to: a fault (default) or whatever was there. */
  readonly uninitialisedStack?: 'fault' | 'allow';
  /** Overrides the program type that the section says; `memory` for {@link Interpreter.runOnMemory}. */
  readonly type?: ProgramType;
  /** Called before each instruction. Slows everything. */
  readonly trace?: (step: TraceStep) => void;
}

export interface TraceStep {
  readonly functionName: string;
  /** Slots from the function's start. */
  readonly slot: number;
  readonly instruction: Instruction;
  /** A register's 64 bits. */
  register(number: number): bigint;
}

export interface RunInput {
  /** Ethernet frame. Not changed. */
  readonly packet: Uint8Array;
  /**
   * Fields of `xdp_md` or `__sk_buff` by their UAPI names, `cb` as `cb0` to `cb4`; others are 0. `protocol` is the
   * frame's EtherType where it is not given. Packet pointers and lengths follow from the packet.
   */
  readonly context?: ContextValues;
  /** Bytes in front of the packet (XDP metadata). */
  readonly metadata?: Uint8Array;
  /** Bytes of a tc packet that pointers reach. Default: all. */
  readonly linear?: number;
  /** struct bpf_sock, where the packet has a socket (tc). */
  readonly socket?: Uint8Array;
  /** Kernel object that bpf_cast_to_kern_ctx gives. Default: that of the device the packet is on. */
  readonly kernelContext?: string;
  /** One of the options' connections. Default: none, as of a packet that conntrack has not seen. */
  readonly connection?: PacketConnection;
}

export interface RunResult {
  /** Lower half of r0: the action. */
  readonly result: number;
  /** Copy of the packet as the program left it. */
  readonly packet: Uint8Array;
  readonly metadata: Uint8Array;
  /** The context's fields that a program can write. */
  readonly context: Readonly<Record<string, number | bigint>>;
  /** What bpf_redirect was told last; it counts if the result says so. */
  readonly redirect?: Redirect;
  readonly clones: readonly (Redirect & { readonly packet: Uint8Array })[];
  /** Instructions done. */
  readonly instructions: number;
}

const DEFAULT_MAX_INSTRUCTIONS = 1_000_000;
const NO_BYTES = new Uint8Array(0);

/**
 * Runs an object's program without a kernel. What the verifier would refuse and this run does is a {@link BpfFault}
 * that names the instruction and its source line. Maps keep what they hold from run to run.
 */
export class Interpreter {
  private readonly program: Program;
  private readonly type: ProgramType;
  private readonly memory: Memory;
  private readonly machine: Machine;
  private readonly packet: Packet;
  private readonly context: Context | undefined;
  private readonly hook: HookContext | undefined;
  /** Where a run starts. */
  private readonly first: number;
  private readonly environment: Environment;
  private readonly steps: readonly Step[];
  private readonly maps: ReadonlyMap<string, BpfMap>;
  private readonly kernelObjects: ReadonlyMap<string, KernelAddress>;
  private readonly cpu: number;
  /** The object's IP sets, filled. */
  readonly sets: ObjectSets;

  /** Throws {@link LoadError} where the object cannot be run. */
  constructor(
    spec: ObjectSpec,
    private readonly options: InterpreterOptions = {},
  ) {
    this.type = options.type ?? programType(spec.program.section);
    this.cpu = options.cpu ?? 0;
    this.program = linkProgram(spec);
    this.memory = new Memory(options.uninitialisedStack !== 'allow');
    this.machine = new Machine(this.memory, this.program.constants);
    this.packet = new Packet(this.memory);
    this.maps = new Map(spec.maps.map((map) => [map.name, createMap(map, options.cpus ?? 1)]));
    this.linkMaps();
    this.sets = this.fillSets(spec.manifest);
    this.linkData(spec.data);
    this.first = startOf(this.program, options.entry);
    this.context =
      this.type === 'xdp' || this.type === 'tc' ? new Context(CONTEXTS[this.type], this.packet) : undefined;
    this.environment = this.createEnvironment();
    this.kernelObjects = mapKernelObjects(this.memory, this.listKernelObjects(spec));
    this.hook = isHookType(this.type)
      ? new HookContext(this.type, this.memory, spec.kernelStructs, (index) =>
          this.kernelObjects.get(deviceObjectName(index)),
        )
      : undefined;
    this.memory.keep();
    const callables = callablesOf(this.type, this.environment, this.hook);
    this.steps = this.program.code.map((linked) => compileStep(this.machine, linked, callables));
  }

  private fillSets(manifest: string): ObjectSets {
    const now = (): bigint => this.options.clock?.nanoseconds ?? 0n;
    const sets = new ObjectSets(manifest, (name) => setMap(this.map(name)), now);
    sets.fill();
    return sets;
  }

  private linkMaps(): void {
    const addresses = new Map<string, number>();
    for (const [name, map] of this.maps) addresses.set(name, this.machine.addMap(map));
    for (const [name, register] of this.program.mapConstants) {
      const high = addresses.get(name);
      if (high === undefined) throw new LoadError('unknown-map', `no map ${name}`);
      this.machine.hi[register] = high;
    }
  }

  private linkData(data: DataSpec | undefined): void {
    const { dataConstant } = this.program;
    if (dataConstant === undefined) return;
    if (data === undefined) throw new LoadError('unknown-map', 'the object has no data');
    const { bytes, name } = data;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.machine.hi[dataConstant] = this.memory.map(view, 0, bytes.length, name, 'read');
  }

  private createEnvironment(): Environment {
    const { options, context, machine, packet, cpu } = this;
    const clock = options.clock ?? { nanoseconds: 0n };
    return {
      machine,
      packet,
      context,
      contextHigh: context === undefined ? 0 : this.memory.mapFields(context, 'the context'),
      clock: () => clock,
      random: seededRandom(options.seed ?? 0),
      fib: options.fib,
      cpu,
      connected: options.connected ?? (() => false),
      kernelContext: () => undefined,
      redirect: undefined,
      clones: [],
    };
  }

  private listKernelObjects(spec: ObjectSpec): readonly KernelObject[] {
    const { kernel = [], devices = [], connections } = this.options;
    const context = this.type === 'xdp' ? 'xdp_buff' : 'sk_buff';
    return [...kernel, ...deviceObjects(spec.kernelStructs, context, devices, connections)];
  }

  /** Runs the program on one packet. Throws {@link BpfFault}. */
  run(input: RunInput): RunResult {
    const { context, environment, packet } = this;
    if (context === undefined) throw new TypeError('a program on memory takes no packet');
    const fields = input.context ?? {};
    this.memory.dropTemporary();
    packet.load(input.packet, input.metadata ?? NO_BYTES, input.linear ?? input.packet.length);
    context.reset(fields, this.mapSocket(input.socket));
    const [first = 0, second = 0] = input.packet.subarray(12, 14);
    context.setDefault('protocol', fields, first | (second << 8));
    environment.redirect = undefined;
    environment.clones = [];
    environment.kernelContext = () => this.kernelContextOf(input, context);
    this.machine.start(0, environment.contextHigh);
    const instructions = this.execute();
    return {
      result: this.machine.lo[0] >>> 0,
      packet: packet.copy(),
      metadata: packet.metadata(),
      context: context.written(),
      ...(environment.redirect === undefined ? {} : { redirect: environment.redirect }),
      clones: environment.clones,
      instructions,
    };
  }

  /** Runs a program behind the IP stack on a packet at its hook; the result is 0 for a drop. Throws {@link BpfFault}. */
  runAtHook(packet: HookPacket): { readonly result: number; readonly instructions: number } {
    if (this.hook === undefined) throw new TypeError('no program behind the IP stack');
    this.memory.dropTemporary();
    this.hook.load(packet);
    this.machine.start(0, this.hook.high);
    const instructions = this.execute();
    return { result: this.machine.lo[0] >>> 0, instructions };
  }

  /** Address of the `struct sk_buff` of packets at a hook, as programs see it. */
  get hookPacketAddress(): bigint {
    if (this.hook === undefined) throw new TypeError('no netfilter program');
    return this.hook.packetAddress;
  }

  private mapSocket(socket: Uint8Array | undefined): number {
    if (socket === undefined) return 0;
    const view = new DataView(socket.buffer, socket.byteOffset, socket.byteLength);
    return this.memory.map(view, 0, socket.length, 'the socket', 'read');
  }

  private kernelContextOf(input: RunInput, context: Context): KernelAddress | undefined {
    const { kernelContext } = input;
    if (kernelContext !== undefined) {
      const address = this.kernelObjects.get(kernelContext);
      if (address === undefined) throw new Fault('not-provided', `no kernel object ${kernelContext}`);
      return address;
    }
    const ifindex = context.value32(this.type === 'xdp' ? 'ingress_ifindex' : 'ifindex');
    return this.kernelObjects.get(contextObjectName(ifindex, input.connection));
  }

  /** Runs a program of type `memory`: r1 is the memory, which it may write, and r2 its length. Throws {@link BpfFault}. */
  runOnMemory(memory: Uint8Array): { readonly result: bigint; readonly instructions: number } {
    this.memory.dropTemporary();
    const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    this.machine.start(0, memory.length === 0 ? 0 : this.memory.map(view, 0, memory.length, 'the memory'));
    this.machine.set(2, BigInt(memory.length));
    const instructions = this.execute();
    return { result: this.machine.unsigned(0), instructions };
  }

  private execute(): number {
    const { steps } = this;
    const limit = this.options.maxInstructions ?? DEFAULT_MAX_INSTRUCTIONS;
    const { trace } = this.options;
    let at = this.first;
    let count = 0;
    try {
      while (at !== STOP) {
        if (++count > limit) throw new Fault('too-many-instructions', `more than ${limit}`);
        if (trace !== undefined) trace(this.traceStep(at));
        at = steps[at]();
      }
      return count;
    } catch (error) {
      throw error instanceof Fault ? this.locate(error, at) : error;
    }
  }

  private traceStep(at: number): TraceStep {
    const { instruction, slot } = this.program.code[at];
    return { functionName: this.functionName(at), slot, instruction, register: (n) => this.machine.unsigned(n) };
  }

  private functionName(at: number): string {
    return this.program.functions.find(({ end }) => at < end)?.name ?? '';
  }

  private locate({ code, detail }: Fault, at: number): BpfFault {
    const { instruction, slot }: LinkedInstruction = this.program.code[at];
    const text = formatInstruction(instruction, slot);
    return new BpfFault(code, detail, this.functionName(at), slot, text, instruction.line);
  }

  /** A map with keys. Throws a RangeError where there is none of that name. */
  map(name: string): HostMap {
    const map = this.maps.get(name);
    if (map === undefined || map instanceof RingMap) throw new RangeError(`no map ${name} with keys`);
    return new HostMap(map, this.cpu);
  }

  /** Takes all records out of a ring buffer, oldest first. */
  events(name: string): readonly Uint8Array[] {
    const map = this.maps.get(name);
    if (!(map instanceof RingMap)) throw new RangeError(`no ring buffer ${name}`);
    return map.drain();
  }

  /** All maps as they were at first. */
  clearMaps(): void {
    for (const map of this.maps.values()) map.clear();
    this.sets.fill();
  }
}

const CONTEXTS = { xdp: XDP_MD, tc: SK_BUFF } as const;

function startOf({ functions }: Program, entry: string | undefined): number {
  if (entry === undefined) return 0;
  const found = functions.find(({ name }) => name === entry);
  if (found === undefined) throw new LoadError('bad-section', `the object has no entry function ${entry}`);
  return found.start;
}

function programType(section: string): ProgramType {
  const [kind] = section.split('/');
  if (kind === 'cgroup_skb') return 'cgroup';
  if (kind === 'xdp' || kind === 'tc' || kind === 'netfilter' || kind === 'socket') return kind;
  throw new LoadError('bad-section', `section ${section} is no program type that is known here`);
}

function isHookType(type: ProgramType): type is HookType {
  return type === 'netfilter' || type === 'cgroup' || type === 'socket';
}

function setMap(map: HostMap): SetMap {
  return {
    lookup: (key) => map.get(key),
    update: (key, value) => map.set(key, value),
    delete: (key) => map.delete(key),
  };
}
