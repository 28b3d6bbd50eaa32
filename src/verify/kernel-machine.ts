import { loadObject } from '../../bpf-runtime/kernel/load.js';
import type { LoadedProgram } from '../../bpf-runtime/kernel/program.js';
import { shortestFrame } from '../../bpf-runtime/kernel/test-run.js';
import { Testbed, TESTBED_MAC } from '../../bpf-runtime/system/testbed.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { Verdict, VerifyJob } from './job.js';
import { verdictOfResult, type CounterValues, type ObjectMachine } from './object-machine.js';

const DEFAULT_DEVICE = 'eth0';
/** XDP's test run takes one page with its head room and tail room. */
const LONGEST_FRAME = 3400;

const OWN_MAC = TESTBED_MAC.split(':').map((byte) => Number.parseInt(byte, 16));

/** The object in the running kernel, by test runs in a namespace with the packets' devices and routes. */
export class KernelMachine implements ObjectMachine {
  private readonly testbed: Testbed;
  private readonly program: LoadedProgram;

  constructor(private readonly job: VerifyJob) {
    this.testbed = Testbed.create({ family: job.family, chain: job.chain });
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
    return packet.frame.length > LONGEST_FRAME ? 'frame too long for a test run' : undefined;
  }

  run(packet: Packet): Verdict {
    const { chain, manifest } = this.job;
    const name = (chain === 'OUTPUT' ? packet.outInterface : packet.inInterface) || DEFAULT_DEVICE;
    const { index } = this.testbed.device(name);
    if (chain === 'FORWARD') this.testbed.forwardTo(packet.outInterface || DEFAULT_DEVICE);
    const arriving = { ingressInterface: index, interface: index };
    const place =
      manifest.hook === 'xdp' ? { ingressInterface: index } : chain === 'OUTPUT' ? { interface: index } : arriving;
    const context = manifest.hook === 'tc' ? { ...place, mark: packet.mark } : place;
    const data = chain === 'OUTPUT' ? asOwnPacket(packet.frame) : packet.frame;
    const { result } = this.testbed.run(() => this.program.testRun({ data, context }));
    return verdictOfResult(manifest.hook, result);
  }

  counters(): CounterValues {
    const map = this.program.maps.get('counters');
    if (map === undefined) throw new Error('the object has no map counters');
    const bytes = map.readArray();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const each = map.valueStride * map.cpus;
    const values = new Float64Array(2 * this.job.manifest.counters.length);
    for (let i = 0; i < this.job.manifest.counters.length; i++) {
      for (let cpu = 0; cpu < map.cpus; cpu++) {
        const at = i * each + cpu * map.valueStride;
        values[2 * i] += Number(view.getBigUint64(at, true));
        values[2 * i + 1] += Number(view.getBigUint64(at + 8, true));
      }
    }
    return values;
  }

  close(): void {
    this.program.close();
    this.testbed.close();
  }
}

/**
 * A packet of this host keeps skb->pkt_type PACKET_HOST whatever frame it leaves in, but a test run takes the type from
 * the frame's destination, as of one that arrives. No test of OUTPUT reads that destination.
 */
function asOwnPacket(frame: Uint8Array): Uint8Array {
  const own = Uint8Array.from(frame);
  own.set(OWN_MAC);
  return own;
}
