import { newAttr, tryBpf } from '../bpf-runtime/kernel/bpf.js';
import { loadPrograms } from '../bpf-runtime/kernel/raw-load.js';
import { SystemCallError } from '../bpf-runtime/system/libc.js';
import { memoryOf, setPointer } from '../bpf-runtime/system/memory.js';
import { driven, fillFrames, passing } from './varying.js';

/** Offsets in the part of union bpf_attr that BPF_PROG_TEST_RUN reads. */
const ATTR = {
  prog: 0,
  bytes: 8,
  data: 16,
  repeat: 32,
  duration: 36,
  contextBytes: 40,
  context: 48,
  flags: 64,
  batch: 72,
} as const;
/** BPF_F_TEST_XDP_LIVE_FRAMES (include/uapi/linux/bpf.h): frames that a program passes go up the stack. */
const LIVE_FRAMES = 2;
const BATCH = 64;
/** struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex. */
const CONTEXT_BYTES = 24;

/** Frames that come to a device and go up the stack of the calling thread's network namespace, as fast as it takes them. */
export class LiveFrames {
  private readonly loaded;
  private readonly attr = newAttr();

  constructor(frames: readonly Uint8Array[], device: number) {
    this.loaded = loadPrograms(driven(passing));
    fillFrames(this.loaded, frames);
    const [program] = [...this.loaded.programs.values()];
    const { view } = this.attr;
    const context = new Uint8Array(CONTEXT_BYTES);
    new DataView(context.buffer).setUint32(4, frames[0].length, true);
    new DataView(context.buffer).setUint32(12, device, true);
    view.setUint32(ATTR.prog, program.fd, true);
    view.setUint32(ATTR.bytes, frames[0].length, true);
    setPointer(this.attr, ATTR.data, memoryOf(frames[0]));
    view.setUint32(ATTR.contextBytes, CONTEXT_BYTES, true);
    setPointer(this.attr, ATTR.context, memoryOf(context));
    view.setUint32(ATTR.flags, LIVE_FRAMES, true);
    view.setUint32(ATTR.batch, BATCH, true);
  }

  /** Mean of so many frames, in nanoseconds (the kernel tells whole ones): the way up the stack is part of it (xdp_test_run_batch). */
  measure(frames: number): number {
    const { view } = this.attr;
    view.setUint32(ATTR.repeat, frames, true);
    const result = tryBpf('PROG_TEST_RUN', this.attr);
    if (result < 0) throw new SystemCallError('BPF_PROG_TEST_RUN', -result, 'live frames');
    return view.getUint32(ATTR.duration, true);
  }

  close(): void {
    this.loaded.close();
  }
}
