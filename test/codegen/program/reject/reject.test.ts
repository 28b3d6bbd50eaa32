import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand } from '../../../../bpf-runtime/system/command.js';
import type { BuiltinChain, Family } from '../../../../grammar/model/family.js';
import type { RejectType } from '../../../../grammar/model/ruleset.js';
import { rejectingObject } from './program.js';
import { shapes4, shapes6 } from './shapes.js';
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

describe.skipIf(missing !== '')(`REJECT on the wire equals iptables${missing}`, () => {
  let wire: Wire;
  beforeAll(() => {
    wire = Wire.open();
  });
  afterAll(() => wire.close());

  for (const family of ['v4', 'v6'] as Family[]) {
    for (const chain of ['INPUT', 'FORWARD'] as BuiltinChain[]) {
      const all = family === 'v4' ? shapes4(chain) : shapes6(chain);
      for (const type of family === 'v4' ? TYPES4 : TYPES6) {
        it(`${family} ${chain} ${type}`, () => {
          const shapes = type === 'tcp-reset' ? all.filter((shape) => shape.name.startsWith('tcp')) : all;
          const frames = shapes.map((shape) => shape.frame);
          const want = wire.iptables(family, chain, type, frames);
          const report = (have: readonly string[]): unknown =>
            Object.fromEntries(shapes.map((shape, i) => [shape.name, comparable(have[i])]));
          const expected = report(want);
          expect(want.some((answer) => answer !== '')).toBe(true);
          for (const [hook, mode] of [
            ['xdp', 'xdpgeneric'],
            ['xdp', 'xdpdrv'],
            ['tc', ''],
          ] as const) {
            const view = { hook, family, chain };
            const have = wire.program(hook, rejectingObject(view, [type]), frames, mode);
            expect(report(have), `${hook} ${mode}`).toEqual(expected);
            if (family === 'v4') for (const answer of have) if (answer !== '') expect(headerSum(answer)).toBe(0xffff);
          }
        });
      }
    }
  }
});
