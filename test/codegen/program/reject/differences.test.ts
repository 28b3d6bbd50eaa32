import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand } from '../../../../bpf-runtime/system/command.js';
import { frame, packet4, packet6, payload, SYN, tcp, udp, type Bytes } from './packets.js';
import { rejectingObject } from './program.js';
import { FAR, HOST, PEER, Wire } from './wire.js';

const missing =
  process.getuid?.() !== 0
    ? ' (skipped: needs root)'
    : !hasCommand('iptables-legacy') || !hasCommand('tc', ['-V'])
      ? ' (skipped: needs iptables-legacy and tc)'
      : '';

const zeros = (length: number): Bytes => Array<number>(length).fill(0);
const ends = { from: PEER.v4, to: HOST.v4 };
const syn = tcp(ends, { flags: SYN });
const syn6 = tcp({ from: PEER.v6, to: HOST.v6 }, { flags: SYN });
const broadcast = { from: PEER.v4, to: '192.0.2.255' };
const ICMP = 'icmp-port-unreachable';
const halves = udp(ends, payload(800));

/** What docs/reject.md says that is not as iptables does it: who answers. */
const DIFFERENCES = [
  {
    name: 'full record route',
    type: ICMP,
    frames: [packet4({ ...ends, protocol: 6, options: [7, 7, 8, ...payload(4), 0] }, syn)],
    iptables: 1,
    program: 0,
  },
  {
    name: 'timestamps of others',
    type: 'tcp-reset',
    frames: [packet4({ ...ends, protocol: 6, options: [68, 12, 5, 3, 9, 9, 9, 9, 0, 0, 0, 0] }, syn)],
    iptables: 1,
    program: 0,
  },
  {
    name: 'record route, no checksum',
    type: ICMP,
    frames: [packet4({ ...ends, protocol: 50, options: [7, 11, 4, ...zeros(8), 0] }, payload(20))],
    iptables: 1,
    program: 0,
  },
  {
    name: 'group MAC',
    type: 'tcp-reset',
    frames: [packet4({ ...ends, protocol: 6 }, syn)],
    to: '01:00:5e:00:00:01',
    iptables: 1,
    program: 0,
  },
  {
    name: 'group MAC, IPv6',
    type: 'tcp-reset',
    frames: [packet6({ from: PEER.v6, to: HOST.v6, next: 6 }, syn6)],
    to: '33:33:00:00:00:01',
    iptables: 1,
    program: 0,
  },
  {
    name: 'broadcast address of a network in a frame to the host alone',
    type: ICMP,
    frames: [packet4({ ...broadcast, protocol: 17 }, udp(broadcast, payload(9)))],
    iptables: 0,
    program: 1,
  },
  {
    name: 'fragments',
    type: ICMP,
    frames: [
      packet4({ ...ends, protocol: 17, fragment: 0x2000 }, halves.slice(0, 400)),
      packet4({ ...ends, protocol: 17, fragment: 50 }, halves.slice(400)),
    ],
    iptables: 1,
    program: 0,
  },
] as const;

describe.skipIf(missing !== '')(`Where REJECT differs from iptables${missing}`, () => {
  let wire: Wire;
  beforeAll(() => {
    wire = Wire.open();
  });
  afterAll(() => wire?.close());

  const count = (answers: readonly string[]): number => answers.filter((answer) => answer !== '').length;
  for (const { name, type, frames, iptables, program, ...rest } of DIFFERENCES) {
    it(name, () => {
      const family = frames[0][0] >> 4 === 4 ? 'v4' : 'v6';
      const to = 'to' in rest ? { to: rest.to } : {};
      const sent = frames.map((packet) => ({ frame: frame(packet, to) }));
      const answer = (hook: 'xdp' | 'tc'): number =>
        count(
          wire.program(
            hook === 'xdp' ? 'xdpgeneric' : 'ingress',
            rejectingObject({ hook, family, chain: 'INPUT' }, [type]),
            sent,
          ),
        );
      expect({
        iptables: count(wire.iptables(family, 'INPUT', type, sent)),
        xdp: answer('xdp'),
        tc: answer('tc'),
      }).toEqual({ iptables, xdp: program, tc: program });
    });
  }

  it('a sender without a route back', () => {
    const lost = { from: '203.0.113.9', to: HOST.v4 };
    const sent = [{ frame: frame(packet4({ ...lost, protocol: 6 }, tcp(lost, { flags: SYN }))) }];
    wire.withoutDefaultRoute('v4', () => {
      expect(count(wire.iptables('v4', 'INPUT', ICMP, sent))).toBe(0);
      const object = rejectingObject({ hook: 'xdp', family: 'v4', chain: 'INPUT' }, [ICMP]);
      expect(count(wire.program('xdpgeneric', object, sent))).toBe(1);
      const far = { ...lost, to: FAR.v4 };
      const forwarded = [{ frame: frame(packet4({ ...far, protocol: 6 }, tcp(far, { flags: SYN }))) }];
      const forward = rejectingObject({ hook: 'xdp', family: 'v4', chain: 'FORWARD' }, [ICMP]);
      expect(count(wire.program('xdpgeneric', forward, forwarded))).toBe(0);
    });
  });
});
