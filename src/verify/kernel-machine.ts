import { isLeaving } from '../../grammar/model/family.js';
import { loadObject } from '../../bpf-runtime/kernel/load.js';
import type { KernelMap } from '../../bpf-runtime/kernel/map.js';
import { loadPrograms, type LoadedObject } from '../../bpf-runtime/kernel/raw-load.js';
import type { LoadedProgram } from '../../bpf-runtime/kernel/program.js';
import { shortestFrame } from '../../bpf-runtime/kernel/test-run.js';
import { Testbed, TESTBED_MAC } from '../../bpf-runtime/system/testbed.js';
import { readCounters } from '../../bpf-runtime/kernel/counters.js';
import { readsOwnState } from '../../codegen/program/wire-state.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { Opaque } from '../../grammar/model/condition.js';
import type { Packet } from '../../grammar/model/packet.js';
import { readIpPacket } from '../evaluate/index.js';
import { deviceGroups } from './device-groups.js';
import type { Verdict, VerifyJob } from './job.js';
import { verdictOfResult, type CounterValues, type ObjectMachine } from './object-machine.js';
import { reachOf } from './reference.js';

const DEFAULT_DEVICE = 'eth0';
/** XDP's test run takes one page with its head room and tail room. */
const LONGEST_FRAME = 3400;

const OWN_MAC = TESTBED_MAC.split(':').map((byte) => Number.parseInt(byte, 16));

/** The object in the running kernel, by test runs in a namespace with the packets' devices and routes. */
export class KernelMachine implements ObjectMachine {
  private readonly testbed: Testbed;
  private readonly program: LoadedProgram;

  constructor(private readonly job: VerifyJob) {
    this.testbed = Testbed.create({ family: job.family, chain: job.chain, groups: deviceGroups(job) });
    try {
      this.program = loadObject(job.object);
    } catch (error) {
      this.testbed.close();
      throw error;
    }
  }

  unaskable(packet: Packet): string | undefined {
    if (packet.frame.length < shortestFrame(this.job.manifest.hook, packet.frame))
      return 'frame too short for a test run';
    if (readsOwnState(this.job.analysis)) return 'connection that a test run does not have';
    return packet.frame.length > LONGEST_FRAME ? 'frame too long for a test run' : undefined;
  }

  run(packet: Packet): Verdict {
    const { chain, manifest } = this.job;
    const name = (isLeaving(chain) ? packet.outInterface : packet.inInterface) || DEFAULT_DEVICE;
    const { index } = this.testbed.device(name);
    if (chain === 'FORWARD') this.testbed.forwardTo(packet.outInterface || DEFAULT_DEVICE);
    const arriving = { ingressInterface: index, interface: index };
    const place =
      manifest.hook === 'xdp' ? { ingressInterface: index } : isLeaving(chain) ? { interface: index } : arriving;
    const context = manifest.hook === 'tc' ? { ...place, mark: packet.mark } : place;
    const data = isLeaving(chain) ? asOwnPacket(packet.frame) : packet.frame;
    const { result } = this.testbed.run(() => this.program.testRun({ data, context }));
    return verdictOfResult(manifest.hook, result);
  }

  counters(): CounterValues {
    return counterValues(this.program.maps.get('counters'), this.job.manifest.counters.length);
  }

  close(): void {
    this.program.close();
    this.testbed.close();
  }
}

/** A program at sockets, by test runs: the kernel makes the packet of the frame as of one that has come to a socket. */
export class SocketMachine implements ObjectMachine {
  private readonly testbed: Testbed;
  private readonly loaded: LoadedObject;
  private readonly program: LoadedProgram;

  constructor(private readonly job: VerifyJob) {
    this.testbed = Testbed.create({ family: job.family, chain: job.chain });
    try {
      this.loaded = loadPrograms(job.object);
    } catch (error) {
      this.testbed.close();
      throw error;
    }
    const name = job.manifest.programs.find(({ chain }) => chain === job.chain)?.name ?? '';
    const program = this.loaded.programs.get(name);
    if (program === undefined) throw new Error(`the object has no program ${name}`);
    this.program = program;
  }

  unaskable(packet: Packet): string | undefined {
    if (reachOf(this.job, packet).kind !== 'reaches') return 'packet that never comes to the hook';
    const missing = asksMore(this.job);
    if (missing !== undefined) return `${missing} that a test run does not have`;
    return packet.frame.length > LONGEST_FRAME ? 'frame too long for a test run' : undefined;
  }

  run(packet: Packet): Verdict {
    const { chain, family, manifest } = this.job;
    const { link, bytes } = readIpPacket(packet.frame, family, chain);
    const name = (isLeaving(chain) ? packet.outInterface : packet.inInterface) || DEFAULT_DEVICE;
    const { index } = this.testbed.device(name);
    const data = new Uint8Array(ETHERNET_HEADER + bytes.length);
    data.set(packet.frame.subarray(0, 12));
    data.set(packet.frame.subarray(link.network - 2, link.network), 12);
    data.set(bytes, ETHERNET_HEADER);
    const context = { interface: index, mark: packet.mark };
    const frame = isLeaving(chain) ? asOwnPacket(data) : data;
    const { result } = this.testbed.run(() => this.program.testRun({ data: frame, context }));
    return verdictOfResult(manifest.hook, result);
  }

  counters(): CounterValues {
    return counterValues(this.loaded.maps.get('counters'), this.job.manifest.counters.length);
  }

  close(): void {
    this.loaded.close();
    this.testbed.close();
  }
}

const ETHERNET_HEADER = 14;

const MORE: Readonly<Partial<Record<Opaque['name'], string>>> = {
  ctstate: 'connection',
  conntrack: 'connection',
  owner: 'socket',
  addrtype: 'route',
};

/** What some rule asks for beside the packet and its device. */
function asksMore({ analysis }: VerifyJob): string | undefined {
  let asked: string | undefined;
  for (const { meaning } of analysis.rules) {
    visitCondition(meaning.condition, { opaque: ({ name }) => void (asked ??= MORE[name]) });
  }
  return asked;
}

function counterValues(map: KernelMap | undefined, entries: number): CounterValues {
  if (map === undefined) throw new Error('the object has no map counters');
  const values = new Float64Array(2 * entries);
  readCounters(map, entries).forEach(({ packets, bytes }, i) => {
    values[2 * i] = Number(packets);
    values[2 * i + 1] = Number(bytes);
  });
  return values;
}

/**
 * A packet of this host keeps skb->pkt_type PACKET_HOST whatever frame it leaves in, but a test run takes the type from
 * the frame's destination, as of one that arrives. No test of OUTPUT reads that destination.
 */
export function asOwnPacket(frame: Uint8Array): Uint8Array {
  const own = Uint8Array.from(frame);
  own.set(OWN_MAC);
  return own;
}
