/** tc programs where the kernel has no tcx: as filters, which are asked for here though this kernel has it. */
import { closeSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addFilter } from '../../../bpf-runtime/kernel/clsact.js';
import { loadClassifier } from '../../../bpf-runtime/kernel/create.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { addVethPair, interfaceIndex, openTap } from '../../../bpf-runtime/system/device.js';
import { encode } from '../../../codegen/bytecode/encode.js';
import { exit, mov64, R0 } from '../../../codegen/bytecode/instruction.js';
import { attach } from '../../../src/live/attach.js';
import { detach, replace } from '../../../src/live/replace.js';
import { readStatus } from '../../../src/live/status.js';
import { able, objectOf, pinned, withHost } from './support.js';

const dump = (rule: string): string =>
  ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', rule, 'COMMIT', ''].join('\n');
const NO_ICMP = dump('-A INPUT -p icmp -j DROP');
const NO_UDP = dump('-A INPUT -p udp -j DROP');
const SHUT = dump('-A OUTPUT -p icmp -j DROP');

const COUNT = 'table ip seen { chain in { type filter hook input priority 100; ip protocol icmp counter drop; }; }';
/** An echo request of 198.51.100.2 to 198.51.100.1; that it has no checksum of ICMP is nobody's matter before its handler. */
const PING = Buffer.from(
  '020000000001020000000002' + '0800' + '4500001c0000000040012677c6336402c6336401' + '0800000000000000',
  'hex',
);

const TC_ACT_OK = 0;

const ours = (device: string, direction = 'ingress'): readonly string[] =>
  run('tc', ['filter', 'show', 'dev', device, direction])
    .split('\n')
    .filter((line) => line.includes('ipt2bpf'));

describe.skipIf(!able || !hasCommand('tc', ['-V']))(
  'filters of a device (skipped without root, nft, iptables or tc)',
  () => {
    it('are attached, replaced and detached as links are', () => {
      withHost(({ base, inside }) => {
        const state = (): readonly string[] => readStatus(base).deployments[0].places.map((place) => place.state);
        const ingress = objectOf(NO_ICMP, { hook: 'tc', chain: 'INPUT' });
        inside(() => {
          addVethPair('here0', 'there0');
          attach(ingress, { base, devices: ['here0'], tc: 'clsact' });
          attach(objectOf(SHUT, { hook: 'tc', chain: 'OUTPUT' }), {
            base,
            name: 'out',
            devices: ['here0'],
            tc: 'clsact',
          });
          expect(ours('here0')).toHaveLength(1);
          expect(ours('here0', 'egress')).toHaveLength(1);
          detach({ base, name: 'out' });
          expect(ours('here0', 'egress')).toEqual([]);
          expect(state()).toEqual(['attached']);
          const before = ours('here0');
          replace(objectOf(NO_UDP, { hook: 'tc', chain: 'INPUT' }), { base });
          expect(ours('here0')).toEqual(before);
        });
        expect(state()).toEqual(['in another network namespace']);
        inside(() => detach({ base }));
        expect(inside(() => ours('here0'))).toEqual([]);
        expect(pinned(base)).toEqual([]);
      });
    });

    it('are there again after somebody has flushed them, or the device has come back', () => {
      withHost(({ base, inside }) => {
        const told: string[] = [];
        const object = objectOf(NO_ICMP, { hook: 'tc', chain: 'INPUT' });
        const again = (): void => void replace(object, { base, told: (text) => told.push(text) });
        const state = (): string => readStatus(base).deployments[0].places[0].state;
        inside(() => {
          addVethPair('here0', 'there0');
          attach(object, { base, devices: ['here0'], tc: 'clsact' });
          run('tc', ['filter', 'del', 'dev', 'here0', 'ingress']);
          expect(state()).toBe('not attached');
          again();
          expect(state()).toBe('attached');
          expect(ours('here0')).toHaveLength(1);
          run('ip', ['link', 'del', 'here0']);
          expect(state()).toBe('device gone');
          again();
          addVethPair('here0', 'there0');
          again();
          expect(state()).toBe('attached');
          run('ip', ['link', 'del', 'here0']);
          detach({ base });
        });
        expect(told).toEqual(Array(2).fill('tc-input-v4: attached again: tc ingress of here0 (clsact)'));
        expect(pinned(base)).toEqual([]);
      });
    });

    it('judge packets before the filters that were there, and no longer when they are detached', () => {
      withHost(({ base, inside }) => {
        inside(() => {
          const tap = openTap('here0');
          try {
            run('ip', ['link', 'set', 'here0', 'address', '02:00:00:00:00:01', 'up']);
            run('ip', ['addr', 'add', '198.51.100.1/24', 'dev', 'here0']);
            run('nft', ['-f', '-'], COUNT);
            const other = loadClassifier(encode([mov64(R0, TC_ACT_OK), exit()]));
            addFilter(other, interfaceIndex('here0'), 'ingress', 'other');
            closeSync(other);
            const seen = (): string | undefined =>
              /packets (\d+)/.exec(run('nft', ['list', 'table', 'ip', 'seen']))?.[1];
            attach(objectOf(NO_ICMP, { hook: 'tc', chain: 'INPUT' }), { base, devices: ['here0'], tc: 'clsact' });
            writeSync(tap, PING);
            expect(seen()).toBe('0');
            expect(Number(readStatus(base).deployments[0].counters[0].packets)).toBe(1);
            replace(objectOf(NO_UDP, { hook: 'tc', chain: 'INPUT' }), { base });
            writeSync(tap, PING);
            expect(seen()).toBe('1');
            detach({ base });
            writeSync(tap, PING);
            expect(seen()).toBe('2');
          } finally {
            closeSync(tap);
          }
        });
      });
    });
  },
);
