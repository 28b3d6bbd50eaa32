import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, run } from '../../../../bpf-runtime/system/command.js';
import { rejectingObject } from './program.js';
import { PEER, Wire } from './wire.js';

const missing =
  process.getuid?.() !== 0
    ? ' (skipped: needs root)'
    : !hasCommand('iptables-legacy') || !hasCommand('tc', ['-V'])
      ? ' (skipped: needs iptables-legacy and tc)'
      : '';

/** What an application meets: TCP `connect` and UDP `send` to the peer; the first error of each, or `none`. */
const APPLICATION = `
const net = require('node:net'), dgram = require('node:dgram');
const [host, family] = process.argv.slice(1);
const out = {};
const done = (name, value) => { out[name] ??= value; if (out.tcp && out.udp) { console.log(JSON.stringify(out)); process.exit(0); } };
net.connect(9, host).on('error', (e) => done('tcp', e.code)).on('connect', () => done('tcp', 'connected'));
const s = dgram.createSocket(family === 'v4' ? 'udp4' : 'udp6');
s.on('error', (e) => done('udp', e.syscall + ' ' + e.code));
s.connect(9, host, () => { s.send('a', (e) => { if (e) done('udp', e.syscall + ' ' + e.code); }); });
setTimeout(() => { done('tcp', 'none'); done('udp', 'none'); }, 1500);
`;

function application(family: 'v4' | 'v6'): unknown {
  return JSON.parse(run(process.execPath, ['-e', APPLICATION, PEER[family], family]));
}

describe.skipIf(missing !== '')(`REJECT of own packets${missing}`, () => {
  let wire: Wire;
  beforeAll(() => {
    wire = Wire.open();
  });
  afterAll(() => wire?.close());

  // A datagram that iptables rejects is an error of `send` itself; the program's answer comes in after it (and an
  // unreachable host is no error to a UDP socket that did not ask for it).
  for (const { family, type, tcp, udp } of [
    { family: 'v4', type: 'tcp-reset', tcp: 'ECONNREFUSED', udp: 'none' },
    { family: 'v4', type: 'icmp-port-unreachable', tcp: 'ECONNREFUSED', udp: 'recvmsg ECONNREFUSED' },
    { family: 'v4', type: 'icmp-host-unreachable', tcp: 'EHOSTUNREACH', udp: 'none' },
    { family: 'v4', type: 'icmp-admin-prohibited', tcp: 'EHOSTUNREACH', udp: 'recvmsg EHOSTUNREACH' },
    { family: 'v6', type: 'tcp-reset', tcp: 'ECONNREFUSED', udp: 'none' },
    { family: 'v6', type: 'icmp6-port-unreachable', tcp: 'ECONNREFUSED', udp: 'recvmsg ECONNREFUSED' },
    { family: 'v6', type: 'icmp6-adm-prohibited', tcp: 'EACCES', udp: 'recvmsg EACCES' },
  ] as const) {
    it(`${family} ${type}`, () => {
      const object = rejectingObject({ hook: 'tc', family, chain: 'OUTPUT' }, [type]);
      expect({
        iptables: wire.withRule(family, 'OUTPUT', type, () => application(family)),
        program: wire.withObject('egress', object, () => application(family)),
      }).toEqual({
        iptables: { tcp, udp: type === 'tcp-reset' ? 'none' : 'send EPERM' },
        program: { tcp, udp },
      });
    });
  }
});
