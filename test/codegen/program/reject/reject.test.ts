import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand } from '../../../../bpf-runtime/system/command.js';
import type { BuiltinChain, Family } from '../../../../grammar/model/family.js';
import type { RejectType } from '../../../../grammar/model/ruleset.js';
import { vouchingObject } from './offload.js';
import { rejectingObject } from './program.js';
import { offloadedShapes, shapes4, shapes6, type Shape } from './shapes.js';
import { Wire } from './wire.js';

const TYPES4: readonly RejectType[] = [
  'icmp-net-unreachable',
  'icmp-host-unreachable',
  'icmp-proto-unreachable',
  'icmp-port-unreachable',
  'icmp-net-prohibited',
  'icmp-host-prohibited',
  'icmp-admin-prohibited',
  'tcp-reset',
];
const TYPES6: readonly RejectType[] = [
  'icmp6-no-route',
  'icmp6-adm-prohibited',
  'icmp6-addr-unreachable',
  'icmp6-port-unreachable',
  'icmp6-policy-fail',
  'icmp6-reject-route',
  'tcp-reset',
];

const missing =
  process.getuid?.() !== 0
    ? ' (skipped: needs root)'
    : !hasCommand('iptables-legacy') || !hasCommand('tc', ['-V'])
      ? ' (skipped: needs iptables-legacy and tc)'
      : '';

/** An answer without what the kernel draws by chance: IPv4 id (and header checksum) of ICMP, IPv6 flow label. */
function comparable(hex: string): string {
  if (hex === '') return '';
  const bytes = Buffer.from(hex, 'hex');
  let at = 12;
  while (bytes.readUInt16BE(at) === 0x8100 || bytes.readUInt16BE(at) === 0x88a8) at += 4;
  at += 2;
  if (bytes[at] >> 4 === 4 && bytes[at + 9] === 1) {
    bytes.fill(0, at + 4, at + 6);
    bytes.fill(0, at + 10, at + 12);
  } else if (bytes[at] >> 4 === 6 && bytes[at + 6] === 58) {
    bytes[at + 1] &= 0xf0;
    bytes.fill(0, at + 2, at + 4);
  }
  return bytes.toString('hex');
}

/** Whether all checksums of an answer that were masked are right: the IPv4 header's. */
function headerSum(hex: string): number {
  const bytes = Buffer.from(hex, 'hex');
  let at = 14;
  if (bytes.readUInt16BE(12) === 0x8100) at = 18;
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += bytes.readUInt16BE(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function report(shapes: readonly Shape[], answers: readonly string[]): unknown {
  return Object.fromEntries(shapes.map((shape, i) => [shape.name, comparable(answers[i])]));
}

describe.skipIf(missing !== '')(`REJECT on the wire equals iptables${missing}`, () => {
  let wire: Wire;
  beforeAll(() => {
    wire = Wire.open();
  });
  afterAll(() => wire?.close());

  for (const family of ['v4', 'v6'] as Family[]) {
    for (const chain of ['INPUT', 'FORWARD'] as BuiltinChain[]) {
      const all = family === 'v4' ? shapes4(chain) : shapes6(chain);
      for (const type of family === 'v4' ? TYPES4 : TYPES6) {
        it(`${family} ${chain} ${type}`, () => {
          const shapes = type === 'tcp-reset' ? all.filter((shape) => shape.name.startsWith('tcp')) : all;
          const want = wire.iptables(family, chain, type, shapes);
          const expected = report(shapes, want);
          expect(want.some((answer) => answer !== '')).toBe(true);
          for (const place of ['xdpgeneric', 'xdpdrv', 'ingress'] as const) {
            const view = { hook: place === 'ingress' ? 'tc' : 'xdp', family, chain } as const;
            const have = wire.program(place, rejectingObject(view, [type]), shapes);
            expect(report(shapes, have), place).toEqual(expected);
            if (family === 'v4') for (const answer of have) if (answer !== '') expect(headerSum(answer)).toBe(0xffff);
          }
        });
      }
    }
  }
});

/** The frame with VLAN tags behind its addresses. */
function withTags(shape: Shape, tags: string): Shape {
  const hex = Buffer.from(shape.frame).toString('hex');
  return { name: shape.name, frame: Buffer.from(hex.slice(0, 24) + tags + hex.slice(24), 'hex') };
}

describe.skipIf(missing !== '')(`REJECT keeps VLAN tags${missing}`, () => {
  let wire: Wire;
  beforeAll(() => {
    wire = Wire.open();
  });
  afterAll(() => wire?.close());

  for (const [family, type] of [
    ['v4', 'tcp-reset'],
    ['v4', 'icmp-port-unreachable'],
    ['v6', 'tcp-reset'],
    ['v6', 'icmp6-port-unreachable'],
  ] as const) {
    it(`${family} ${type}`, () => {
      const all = family === 'v4' ? shapes4('INPUT') : shapes6('INPUT');
      const wanted =
        type === 'tcp-reset' ? /^tcp (SYN|data|largest)/ : /^tcp (SYN|data|largest)|^udp (of 0|of 1000|padded)/;
      const plain = all.filter((shape) => wanted.test(shape.name));
      const want = wire.iptables(family, 'INPUT', type, plain);
      for (const tags of ['81006005', '88a8000781000005']) {
        const shapes = plain.map((shape) => withTags(shape, tags));
        const tagged = want.map((answer) => (answer === '' ? '' : answer.slice(0, 24) + tags + answer.slice(24)));
        for (const hook of ['xdp', 'tc'] as const) {
          const place = hook === 'xdp' ? 'xdpgeneric' : 'ingress';
          const have = wire.program(place, rejectingObject({ hook, family, chain: 'INPUT' }, [type]), shapes);
          expect(report(shapes, have), `${hook} ${tags}`).toEqual(report(shapes, tagged));
        }
      }
    });
  }
});

describe.skipIf(missing !== '')(`REJECT of offloaded frames equals iptables${missing}`, () => {
  let wire: Wire;
  beforeAll(() => {
    wire = Wire.open(true);
  });
  afterAll(() => wire?.close());

  for (const family of ['v4', 'v6'] as const) {
    for (const chain of ['INPUT', 'FORWARD'] as const) {
      const icmp = family === 'v4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';
      for (const type of ['tcp-reset', icmp] as const) {
        it(`${family} ${chain} ${type}`, () => {
          const shapes = offloadedShapes(family, chain).filter(
            (shape) => type !== 'tcp-reset' || shape.name.startsWith('tcp'),
          );
          const want = wire.iptables(family, chain, type, shapes);
          want.forEach((answer, i) => {
            if (!shapes[i].name.endsWith('wrong')) expect(answer, shapes[i].name).not.toBe('');
          });
          const view = { hook: 'tc', family, chain } as const;
          const object = rejectingObject(view, [type]);
          const have = wire.program('ingress', object, shapes);
          expect(report(shapes, have)).toEqual(report(shapes, want));

          const vouching = <T>(body: () => T): T => wire.withObject('ingress', vouchingObject(), body);
          const vouched = vouching(() => wire.iptables(family, chain, type, shapes));
          expect(vouched.every((answer) => answer !== '')).toBe(true);
          expect(
            report(
              shapes,
              vouching(() => wire.program('ingress', object, shapes)),
            ),
            'vouched for',
          ).toEqual(report(shapes, vouched));

          // XDP sees no segments that a device has put together.
          const seen = shapes.filter((shape) => !shape.name.includes('segments'));
          const known = wire.program('xdpgeneric', rejectingObject({ ...view, hook: 'xdp' }, [type]), seen);
          const expected = want.filter((_, i) => seen.includes(shapes[i]));
          expect(report(seen, known), 'xdp').toEqual(report(seen, expected));
        });
      }
    }
  }
});
