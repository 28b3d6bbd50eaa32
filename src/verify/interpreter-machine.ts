import { isLeaving } from '../../grammar/model/family.js';
import { Interpreter, type ContextValues, type Device } from '../../bpf-runtime/interpreter/index.js';
import { readObject } from '../../codegen/object/read.js';
import type { Packet } from '../../grammar/model/packet.js';
import { readsOwnState } from '../../codegen/program/wire-state.js';
import { connectionOf } from './connection-state.js';
import { deviceGroups } from './device-groups.js';
import { InterpreterCounters } from './interpreter-counters.js';
import type { Verdict, VerifyJob } from './job.js';
import { verdictOfResult, type CounterValues, type ObjectMachine } from './object-machine.js';
import { PACKET, packetType } from './packet-type.js';

const DEFAULT_DEVICE = 'eth0';
const LOOPBACK_IFINDEX = 1;
/** bpf_fib_lookup: where the route goes, and the index it gives (include/uapi/linux/bpf.h). */
const FIB = { SUCCESS: 0, NOT_FWDED: 4 } as const;
const FIB_IFINDEX = 8;
const FIB_MULTICAST = 0xff;

/** The object, read back from its file, in the in-process interpreter: no root, any system. */
export class InterpreterMachine implements ObjectMachine {
  private readonly interpreter: Interpreter;
  private readonly indices = new Map<string, number>();
  private readonly counterValues: InterpreterCounters;
  private outIndex = 0;
  private readonly clock = { nanoseconds: 1_000_000_000_000n };

  constructor(private readonly job: VerifyJob) {
    for (const { inInterface, outInterface } of job.packets) {
      for (const name of [inInterface, outInterface]) this.addDevice(name || DEFAULT_DEVICE);
    }
    const groupOf = deviceGroups(job);
    const devices = [...this.indices].map(([name, ifindex]): Device => ({ name, ifindex, group: groupOf(name) }));
    const connections = new Map((job.states ?? []).map((state) => [state.join(), connectionOf(state)]));
    this.interpreter = new Interpreter(readObject(job.object), {
      devices,
      connections: readsOwnState(job.analysis) ? [...connections.values()] : [],
      clock: this.clock,
      fib: (params) => this.lookUp(params),
    });
    this.counterValues = new InterpreterCounters(this.interpreter, job.manifest.counters.length);
  }

  private addDevice(name: string): void {
    if (this.indices.has(name)) return;
    this.indices.set(name, name === 'lo' ? LOOPBACK_IFINDEX : this.indices.size + 2);
  }

  private lookUp(params: Uint8Array): number {
    if (this.job.chain !== 'FORWARD') return FIB.NOT_FWDED;
    const view = new DataView(params.buffer, params.byteOffset, params.byteLength);
    const group = this.job.family === 'v6' && params[32] === FIB_MULTICAST;
    if (group) return FIB.NOT_FWDED;
    view.setUint32(FIB_IFINDEX, this.outIndex, true);
    return FIB.SUCCESS;
  }

  unaskable(packet: Packet): string | undefined {
    return packet.frame.length < 14 ? 'frame too short for a test run' : undefined;
  }

  run(packet: Packet, index: number): Verdict {
    const { chain, manifest, analysis, states } = this.job;
    const name = (isLeaving(chain) ? packet.outInterface : packet.inInterface) || DEFAULT_DEVICE;
    const device = this.indices.get(name) ?? 0;
    this.outIndex = this.indices.get(packet.outInterface || DEFAULT_DEVICE) ?? 0;
    const context: ContextValues =
      manifest.hook === 'xdp'
        ? { ingress_ifindex: device }
        : {
            ifindex: device,
            ingress_ifindex: isLeaving(chain) ? 0 : device,
            mark: packet.mark,
            pkt_type: isLeaving(chain) ? PACKET.HOST : packetType(packet.frame),
          };
    // A packet a millisecond: a limit sees time pass.
    this.clock.nanoseconds += 1_000_000n;
    const state = readsOwnState(analysis) ? states?.[index] : undefined;
    const connection = state === undefined ? {} : { connection: connectionOf(state) };
    return verdictOfResult(
      manifest.hook,
      this.interpreter.run({ packet: packet.frame, context, ...connection }).result,
    );
  }

  counters(): CounterValues {
    return this.counterValues.read();
  }

  close(): void {}
}
