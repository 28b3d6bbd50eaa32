import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildFrame,
  CaptureError,
  hexdump,
  parsePacketText,
  readCapture,
  toHex,
  writePcap,
} from '../../../src/packet/index.js';

const FRAME = buildFrame({
  ip: { family: 'v4', source: 1n, destination: 2n },
  transport: { kind: 'udp', sport: 1, dport: 2 },
});
const IP = FRAME.subarray(14);

/** Bytes of numbers with their width in bits. */
class Writer {
  readonly bytes: number[] = [];

  constructor(readonly littleEndian: boolean) {}

  put(bits: 16 | 32, ...values: readonly number[]): this {
    for (const value of values) {
      const out = Array.from({ length: bits / 8 }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
      this.bytes.push(...(this.littleEndian ? out : out.reverse()));
    }
    return this;
  }

  data(bytes: Uint8Array): this {
    this.bytes.push(...bytes, ...new Uint8Array(-bytes.length & 3));
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.bytes.push(...bytes);
    return this;
  }

  /** A pcapng block around the other's bytes. */
  block(type: number, body: Writer): this {
    const length = body.bytes.length + 12;
    return this.put(32, type, length).raw(Uint8Array.from(body.bytes)).put(32, length);
  }

  done(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}

function pcap(
  littleEndian: boolean,
  magic: number,
  linkType: number,
  data: Uint8Array,
  original = data.length,
): Uint8Array {
  const writer = new Writer(littleEndian).put(32, magic).put(16, 2, 4).put(32, 0, 0, 65535, linkType);
  return writer.put(32, 5, 7, data.length, original).raw(data).done();
}

const COOKED = Uint8Array.of(0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 7, 0, 0, 8, 0);
const COOKED2 = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 1, 6, 2, 0, 0, 0, 0, 7, 0, 0);
const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('readCapture', () => {
  it.each([
    { name: 'little-endian microseconds', bytes: pcap(true, 0xa1b2c3d4, 1, FRAME), timestamp: 5_000_007_000n },
    { name: 'big-endian microseconds', bytes: pcap(false, 0xa1b2c3d4, 1, FRAME), timestamp: 5_000_007_000n },
    { name: 'little-endian nanoseconds', bytes: pcap(true, 0xa1b23c4d, 1, FRAME), timestamp: 5_000_000_007n },
    { name: 'big-endian nanoseconds', bytes: pcap(false, 0xa1b23c4d, 1, FRAME), timestamp: 5_000_000_007n },
  ])('pcap: $name', ({ bytes, timestamp }) => {
    expect(readCapture(bytes)).toEqual({ packets: [{ frame: FRAME, timestamp, truncated: false }], skipped: [] });
  });

  it.each([
    { name: 'raw IP', linkType: 101, data: IP, header: '020000000002020000000001' },
    { name: 'raw IPv4', linkType: 228, data: IP, header: '020000000002020000000001' },
    { name: 'Linux cooked v1, sent', linkType: 113, data: concat(COOKED, IP), header: '020000000002020000000007' },
    {
      name: 'Linux cooked v2, broadcast',
      linkType: 276,
      data: concat(COOKED2, IP),
      header: 'ffffffffffff020000000007',
    },
  ])('link type: $name', ({ linkType, data, header }) => {
    const { packets } = readCapture(pcap(true, 0xa1b2c3d4, linkType, data));
    expect(toHex(packets[0].frame)).toBe(`${header}0800${toHex(IP)}`);
  });

  it('knows what was sent', () => {
    const [sent] = readCapture(pcap(true, 0xa1b2c3d4, 113, concat(COOKED, IP))).packets;
    const [received] = readCapture(pcap(true, 0xa1b2c3d4, 276, concat(COOKED2, IP))).packets;
    expect([sent.outgoing, received.outgoing]).toEqual([true, false]);
  });

  it('says what it does not read', () => {
    expect(readCapture(pcap(true, 0xa1b2c3d4, 147, FRAME))).toEqual({
      packets: [],
      skipped: [{ index: 0, reason: 'link type 147 is not known' }],
    });
  });

  it('knows that bytes are missing', () => {
    expect(readCapture(pcap(true, 0xa1b2c3d4, 1, FRAME, 900)).packets[0].truncated).toBe(true);
  });

  it('keeps what comes before the cut', () => {
    const whole = writePcap([{ frame: FRAME }, { frame: FRAME }]);
    for (const missing of [1, FRAME.length, FRAME.length + 3]) {
      const { packets, skipped } = readCapture(whole.subarray(0, whole.length - missing));
      expect([packets.length, skipped]).toEqual([1, [{ index: 1, reason: 'the last record is cut off' }]]);
    }
  });

  it.each([
    { name: 'nothing', bytes: new Uint8Array(0), code: 'not-a-capture' },
    {
      name: 'something else',
      bytes: new TextEncoder().encode('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n'),
      code: 'not-a-capture',
    },
    { name: 'another version', bytes: pcap(true, 0xa1b2c3d4, 1, FRAME).with(4, 3), code: 'unknown-version' },
  ])('refuses $name', ({ bytes, code }) => {
    expect(() => readCapture(bytes)).toThrow(CaptureError);
    expect(() => readCapture(bytes)).toThrow(expect.objectContaining({ code }));
  });
});

/** A section with one interface (nanoseconds, named eth7) and the other blocks. */
function pcapng(littleEndian: boolean, ...blocks: readonly (readonly [number, Writer])[]): Uint8Array {
  const on = (): Writer => new Writer(littleEndian);
  const section = on().put(32, 0x1a2b3c4d).put(16, 1, 0).put(32, 0xffffffff, 0xffffffff);
  const device = on().put(16, 1, 0).put(32, 0);
  device.put(16, 2, 4).data(new TextEncoder().encode('eth7')).put(16, 9, 1).data(Uint8Array.of(9)).put(16, 0, 0);
  const out = on().block(0x0a0d0d0a, section).block(1, device);
  for (const [type, body] of blocks) out.block(type, body);
  return out.done();
}

describe('pcapng', () => {
  it.each([true, false])('reads enhanced packets, little-endian: %s', (littleEndian) => {
    const body = new Writer(littleEndian).put(32, 0, 1, 2, FRAME.length, FRAME.length).data(FRAME);
    body.put(16, 2, 4).put(32, 2).put(16, 0, 0);
    expect(readCapture(pcapng(littleEndian, [6, body]))).toEqual({
      packets: [{ frame: FRAME, timestamp: (1n << 32n) + 2n, truncated: false, interfaceName: 'eth7', outgoing: true }],
      skipped: [],
    });
  });

  it('reads simple and obsolete packets and steps over other blocks', () => {
    const simple = new Writer(true).put(32, FRAME.length).data(FRAME);
    const obsolete = new Writer(true).put(16, 0, 0).put(32, 0, 3, FRAME.length, 99).data(FRAME);
    const { packets } = readCapture(pcapng(true, [0xbad, new Writer(true).put(32, 1)], [3, simple], [2, obsolete]));
    expect(packets).toEqual([
      { frame: FRAME, truncated: false, interfaceName: 'eth7' },
      { frame: FRAME, timestamp: 3n, truncated: true, interfaceName: 'eth7' },
    ]);
  });

  it('counts 64ths of a second where it must', () => {
    const section = new Writer(true).put(32, 0x1a2b3c4d).put(16, 1, 0).put(32, 0, 0);
    const device = new Writer(true).put(16, 1, 0).put(32, 0).put(16, 9, 1).data(Uint8Array.of(0x86));
    const body = new Writer(true).put(32, 0, 0, 96, FRAME.length, FRAME.length).data(FRAME);
    const bytes = new Writer(true).block(0x0a0d0d0a, section).block(1, device).block(6, body).done();
    expect(readCapture(bytes).packets[0].timestamp).toBe(1_500_000_000n);
  });

  it('skips packets of an interface that is not described', () => {
    const body = new Writer(true).put(32, 4, 0, 0, FRAME.length, FRAME.length).data(FRAME);
    expect(readCapture(pcapng(true, [6, body])).skipped).toEqual([
      { index: 0, reason: 'interface 4 is not described' },
    ]);
  });

  it('refuses a block whose lengths differ', () => {
    const bytes = pcapng(true, [5, new Writer(true)]);
    expect(() => readCapture(bytes.with(bytes.length - 4, 99))).toThrow(expect.objectContaining({ code: 'bad-block' }));
  });

  it('never reads beyond a damaged file', () => {
    const body = new Writer(true).put(32, 0, 1, 2, FRAME.length, FRAME.length).data(FRAME);
    const whole = pcapng(true, [6, body]);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        try {
          readCapture(whole.with(at, value));
        } catch (error) {
          expect(error).toBeInstanceOf(CaptureError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('writePcap', () => {
  it('is read back, whatever the frames', () => {
    const frames = fc.array(
      fc.record({ frame: fc.uint8Array({ maxLength: 80 }), timestamp: fc.bigInt({ min: 0n, max: 1n << 60n }) }),
    );
    fc.assert(
      fc.property(frames, (list) => {
        const packets = list.map(({ frame, timestamp }) => ({ frame, timestamp, truncated: false }));
        expect(readCapture(writePcap(list, 'nanoseconds'))).toEqual({ packets, skipped: [] });
        const cut = packets.map((one) => ({ ...one, timestamp: (one.timestamp / 1000n) * 1000n }));
        expect(readCapture(writePcap(list))).toEqual({ packets: cut, skipped: [] });
      }),
    );
  });

  const tcpdump = spawnSync('tcpdump', ['--version']).status === 0;
  it.skipIf(!tcpdump)(
    `is what tcpdump reads, with right checksums${tcpdump ? '' : ' (tcpdump is not installed)'}`,
    () => {
      const texts = [
        'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN tcpopt 020405b4',
        'udp 198.51.100.7:4000 > 192.0.2.1:53 payload 00ff01',
        'icmp 198.51.100.7 > 192.0.2.1 type 8',
        'tcp [2001:db8::7]:4000 > [2001:db8::1]:22 ACK ext hop,dst',
        'udp [2001:db8::7]:4000 > [2001:db8::1]:9999 payload 0102030405',
        'icmp6 2001:db8::7 > 2001:db8::1 type 128',
      ];
      const frames = texts.map((text) => {
        const result = parsePacketText(text);
        if (!result.ok) throw new Error(text);
        return { frame: result.text.packet.frame };
      });
      const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-'));
      try {
        const file = join(folder, 'frames.pcap');
        writeFileSync(file, writePcap(frames));
        const out = execFileSync('tcpdump', ['-nvvr', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
        expect(out).not.toMatch(/bad|incorrect|wrong/);
        expect(out.match(/sum ok|\(correct\)/g)).toHaveLength(5);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});

describe('hexdump', () => {
  it('shows offsets, bytes and text', () => {
    const bytes = new TextEncoder().encode('iptables -A INPUT');
    expect(hexdump(bytes)).toBe(
      '0000  69 70 74 61 62 6c 65 73  20 2d 41 20 49 4e 50 55  iptables -A INPU\n' +
        '0010  54                                                T',
    );
  });
});
