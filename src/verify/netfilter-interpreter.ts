import { Interpreter, type Device, type HookPacket } from '../../bpf-runtime/interpreter/index.js';
import { ANSWER, ASKED } from '../../codegen/program/netfilter/ask.js';
import { NOTE, NOTED, PENDING } from '../../codegen/program/netfilter/notes.js';
import { VERDICT } from '../../codegen/program/verdict.js';
import { readObject } from '../../codegen/object/read.js';
import { ADDRESS_TYPES } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import { readFields, readIpPacket } from '../evaluate/index.js';
import { connectionOf } from './connection-state.js';
import { InterpreterCounters } from './interpreter-counters.js';
import type { Verdict, VerifyJob } from './job.js';
import { verdictOfResult, type CounterValues, type ObjectMachine } from './object-machine.js';
import { packetType } from './packet-type.js';
import { assumedAddressType, reachOf } from './reference.js';

const LOOPBACK_IFINDEX = 1;
const LEAST_TRANSPORT = 8;
/** IPv6 header, some extension headers, and a TCP header. */
const MOST_HEADERS = 96;
/** Offset of TTL or hop limit in the IP header. */
const HOPS = { v4: 8, v6: 7 } as const;

/** A program behind the IP stack in the in-process interpreter, on packets as they come to its hook. */
export class NetfilterInterpreter implements ObjectMachine {
  private readonly interpreter: Interpreter;
  private readonly indices = new Map<string, number>();
  private readonly clock = { nanoseconds: 1_000_000_000_000n };
  private readonly counterValues: InterpreterCounters;

  constructor(private readonly job: VerifyJob) {
    for (const { inInterface, outInterface } of job.packets) {
      for (const name of [inInterface, outInterface]) {
        if (name === '' || this.indices.has(name)) continue;
        this.indices.set(name, name === 'lo' ? LOOPBACK_IFINDEX : this.indices.size + 2);
      }
    }
    const devices = [...this.indices].map(([name, ifindex]): Device => ({ name, ifindex }));
    const entry = job.manifest.programs.find(({ chain }) => chain === job.chain)?.name;
    this.interpreter = new Interpreter(readObject(job.object), {
      devices,
      clock: this.clock,
      ...(entry === undefined ? {} : { entry }),
    });
    this.counterValues = new InterpreterCounters(this.interpreter, job.manifest.counters.length);
  }

  unaskable(packet: Packet): string | undefined {
    return reachOf(this.job, packet).kind === 'reaches' ? undefined : 'packet that never comes to the hook';
  }

  run(packet: Packet, index: number): Verdict {
    const { job } = this;
    // A packet a millisecond: a limit sees time pass.
    this.clock.nanoseconds += 1_000_000n;
    this.answerQuestions();
    const { result } = this.interpreter.runAtHook(this.atHook(packet, index));
    const verdict = verdictOfResult(job.manifest.hook, result);
    return verdict === 'accept' ? this.notedVerdict() : verdict;
  }

  /** There is no iptables to ask: it says no to everything, and the reference does not know either. */
  private answerQuestions(): void {
    if (this.job.manifest.asks === undefined) return;
    const key = new Uint8Array(8);
    new DataView(key.buffer).setBigUint64(0, this.interpreter.hookPacketAddress, true);
    const answers = new DataView(new ArrayBuffer(ANSWER.bytes));
    answers.setInt32(ANSWER.answered, -1, true);
    this.interpreter.map(ASKED).set(key, new Uint8Array(answers.buffer));
  }

  /** What rules of iptables are to do with an accepted packet; the next run forgets it. */
  private notedVerdict(): Verdict {
    if (this.job.manifest.residual === undefined) return 'accept';
    let pending = 0n;
    this.interpreter.map(PENDING).forEachValue((view, offset) => (pending = view.getBigUint64(offset, true)));
    if (pending === 0n) return 'accept';
    let code: number = VERDICT.ACCEPT;
    this.interpreter.map(NOTED).forEachValue((view, offset) => (code = view.getUint32(offset + NOTE.code, true)));
    if (code === VERDICT.ACCEPT) return 'accept';
    return code === VERDICT.DROP ? 'drop' : 'reject';
  }

  /** What the stack has made of a frame when it comes to the chain: trimmed, and one hop further where it is forwarded. */
  private atHook(packet: Packet, index: number): HookPacket {
    const { family, chain } = this.job;
    const { link, bytes } = readIpPacket(packet.frame, family, chain);
    const frame = Uint8Array.from(packet.frame);
    if (chain === 'FORWARD') frame[link.network + HOPS[family]]--;
    const input = this.indices.get(packet.inInterface);
    const output = this.indices.get(packet.outInterface);
    return {
      frame,
      ...(this.job.manifest.hook === 'socket' ? socketPlace(bytes, family) : { linear: linearBytes(bytes, index) }),
      network: link.network,
      length: bytes.length,
      linkHeader: chain !== 'OUTPUT',
      mark: packet.mark,
      packetType: chain === 'OUTPUT' ? 0 : packetType(packet.frame),
      connection: connectionOf(this.job.states?.[index] ?? ['INVALID']),
      ...(family === 'v4' ? { routeType: this.routeType(packet) } : {}),
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
    };
  }

  /** RTN_* of the route to the destination, as the reference takes it. */
  private routeType(packet: Packet): number {
    const { family, chain } = this.job;
    const { daddr } = readFields(packet, family, chain);
    return ADDRESS_TYPES.indexOf(assumedAddressType(family, daddr));
  }

  counters(): CounterValues {
    return this.counterValues.read();
  }

  close(): void {}
}

/** Packets lie in one piece, or their headers do in part: of every third packet some bytes. */
function linearBytes({ length }: Uint8Array, index: number): number {
  return index % 3 === 0 ? Math.floor(index / 3) % (Math.min(length, MOST_HEADERS) + 1) : length;
}

/** A socket's filter starts at the transport header, and only that much is sure to lie in one piece. */
function socketPlace(bytes: Uint8Array, family: Family): Pick<HookPacket, 'data' | 'linear'> {
  const data = Math.min(family === 'v4' ? (bytes[0] & 15) * 4 : 40, bytes.length);
  return { data, linear: Math.min(data + LEAST_TRANSPORT, bytes.length) };
}
