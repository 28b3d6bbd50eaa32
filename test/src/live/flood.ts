/** Packets that the kernel itself makes: a sender in user space is too slow to say anything about a filter. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { attachXdp, type Link } from '../../../bpf-runtime/kernel/link.js';
import { loadPrograms } from '../../../bpf-runtime/kernel/raw-load.js';
import { pin } from '../../../bpf-runtime/kernel/pin.js';
import { interfaceIndex } from '../../../bpf-runtime/system/device.js';
import { systemCallNumbers } from '../../../bpf-runtime/system/numbers.js';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import {
  alu64,
  callHelper,
  exit,
  jump64,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R6,
  reg,
  store,
  storeImm,
} from '../../../codegen/bytecode/instruction.js';
import type { EntrySpec, ObjectSpec } from '../../../codegen/object/spec.js';
import { Code } from '../../../codegen/program/code.js';

/** Datagrams in turn to ports 1, 2, … up to this one. */
export const PORTS = 3;
const XDP_PASS = 2;
/** Of the destination port's lower byte, behind an Ethernet header and an IPv4 header without options. */
const PORT_BYTE = 14 + 20 + 3;
const FRAME_BYTES = 43;

function entry(name: string, emit: (code: Code) => void): EntrySpec {
  const code = new Code();
  code.at({ text: '# of a test', line: 1, column: 1 });
  emit(code);
  code.emit(mov64(R0, XDP_PASS), exit());
  const instructions = assemble(name, code.finish());
  return {
    name,
    linkage: 'global',
    params: [{ name: 'ctx', type: { kind: 'context', struct: 'xdp_md' } }],
    instructions,
  };
}

/** `pass` lets packets pass; `spread` gives each the next port before. */
const SPEC: ObjectSpec = {
  license: 'GPL',
  program: {
    section: 'xdp',
    entries: [
      entry('pass', () => undefined),
      entry('spread', (code) => {
        code.emit(mov64(R6, reg(R1)), storeImm(4, R10, -4, 0), loadMap(R1, 'turn'));
        code.emit(
          mov64(R2, reg(R10)),
          alu64('add', R2, -4),
          callHelper('map_lookup_elem'),
          jump64('jeq', R0, 0, 'end'),
        );
        code.emit(load(8, R3, R0, 0), mov64(R1, reg(R3)), alu64('add', R1, 1), store(8, R0, 0, R1));
        code.emit(alu64('mod', R3, PORTS), alu64('add', R3, 1));
        code.emit(load(4, R1, R6, 0), load(4, R2, R6, 4), mov64(R0, reg(R1)), alu64('add', R0, FRAME_BYTES));
        code.emit(jump64('jgt', R0, reg(R2), 'end'), storeImm(1, R1, PORT_BYTE - 1, 0), store(1, R1, PORT_BYTE, R3));
        code.place('end');
      }),
    ],
    functions: [],
  },
  maps: [{ name: 'turn', type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 }],
  kernelStructs: [],
  kfuncs: [],
  manifest: '{}',
  sourceFile: 'none',
};

/**
 * Lets the program of argument 1 run on live frames (Documentation/bpf/bpf_prog_run.rst), from the device with index argument 2, at a rate,
 * until a line comes; then tells how many datagrams, and in how many seconds.
 */
const SENDER = `
import ctypes, socket, struct, sys, threading, time
path, device, rate, call = sys.argv[1].encode(), *map(int, sys.argv[2:])
EACH, PROG_TEST_RUN, OBJ_GET, LIVE_FRAMES = 60000, 10, 7, 2
libc = ctypes.CDLL(None, use_errno=True)
def bpf(command, attr):
    result = libc.syscall(call, command, attr, len(attr))
    if result < 0: sys.exit('bpf(%d): errno %d' % (command, ctypes.get_errno()))
    return result
done = []
threading.Thread(target=lambda: (sys.stdin.readline(), done.append(1)), daemon=True).start()
at = ctypes.addressof
name = ctypes.create_string_buffer(path)
program = bpf(OBJ_GET, struct.pack('<QII', at(name), 0, 0))
def header(sum):
    ends = map(socket.inet_aton, ('192.0.2.2', '192.0.2.1'))
    return struct.pack('>BBHHHBBH4s4s', 0x45, 0, 29, 0, 0, 64, 17, sum, *ends)
total = sum(struct.unpack('>10H', header(0)))
total = (total & 0xffff) + (total >> 16)
frame = bytes.fromhex('020000000001' '020000000002' '0800') + header(~total & 0xffff) + struct.pack('>HHHH', 1000, 0, 9, 0) + b'x'
data = ctypes.create_string_buffer(frame, ${FRAME_BYTES})
context = ctypes.create_string_buffer(struct.pack('<6I', 0, ${FRAME_BYTES}, 0, device, 0, 0), 24)
run = ctypes.create_string_buffer(
    struct.pack('<4I2Q4I2Q4I', program, 0, ${FRAME_BYTES}, 0, at(data), 0, EACH, 0, 24, 0, at(context), 0, LIVE_FRAMES, 0, 64, 0))
print('ready', flush=True)
sent, start = 0, time.monotonic()
while not done:
    bpf(PROG_TEST_RUN, run)
    sent += EACH
    early = start + sent / rate - time.monotonic()
    if early > 0: time.sleep(early)
print(sent, time.monotonic() - start, flush=True)
`;

export interface Flooded {
  readonly packets: number;
  readonly seconds: number;
}

/** Datagrams of 192.0.2.2 that come in at a veth device, whose Ethernet address is 02:00:00:00:00:01. */
export class Flood {
  private output = '';
  private readonly ended: Promise<unknown>;

  private constructor(
    private readonly sender: ChildProcess,
    private readonly link: Link,
  ) {
    this.ended = once(sender, 'close');
    sender.stdout?.on('data', (data: Buffer) => (this.output += data.toString()));
    sender.stdin?.on('error', () => undefined);
  }

  /** Begins in the calling thread's network namespace. `path`: in a BPF file system, for a program. `rate`: packets a second, if the machine can. */
  static begin(device: string, path: string, rate: number): Flood {
    const loaded = loadPrograms(SPEC);
    try {
      const [pass, spread] = [loaded.programs.get('pass'), loaded.programs.get('spread')];
      if (pass === undefined || spread === undefined) throw new Error('they are in it');
      const index = interfaceIndex(device);
      // A veth device makes itself ready for live frames where it has a program itself (drivers/net/veth.c veth_enable_xdp).
      const link = attachXdp(pass, index, 'native');
      pin(spread.fd, path);
      const words = [path, index, rate, systemCallNumbers().bpf].map(String);
      return new Flood(spawn('python3', ['-c', SENDER, ...words], { stdio: ['pipe', 'pipe', 'inherit'] }), link);
    } finally {
      loaded.close();
    }
  }

  async ready(): Promise<void> {
    if (this.output === '' && this.sender.stdout !== null)
      await Promise.race([once(this.sender.stdout, 'data'), this.ended]);
  }

  async end(): Promise<Flooded> {
    this.sender.stdin?.end('done\n');
    await this.ended;
    this.link.close();
    const [packets, seconds] = (this.output.split('\n')[1] ?? '').split(' ').map(Number);
    return { packets, seconds };
  }
}
