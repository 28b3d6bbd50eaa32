import { mkdirSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { IngressInjector } from '../../../bpf-runtime/iptables/inject.js';
import { attachTcx } from '../../../bpf-runtime/kernel/link.js';
import { pin } from '../../../bpf-runtime/kernel/pin.js';
import { loadPrograms, type LoadedObject } from '../../../bpf-runtime/kernel/raw-load.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { Testbed } from '../../../bpf-runtime/system/testbed.js';
import { compile } from '../../../codegen/program/index.js';
import type { Family } from '../../../grammar/model/family.js';
import { filterTable, packetOf } from '../../src/evaluate/helpers.js';

const able = process.getuid?.() === 0 && hasCommand('tc', ['-V']);

/** Lets the packets of one UDP port through and counts what its policy drops. */
function firewall(family: Family, port: number): LoadedObject {
  const ruleset = filterTable(family, [`-A INPUT -p udp --dport ${port} -j ACCEPT`], 'DROP');
  const result = compile(ruleset, { hook: 'tc', chain: 'INPUT', table: 'filter' });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  return loadPrograms(result.object);
}

/** Packets of the rule, and of the policy. */
function counts({ maps }: LoadedObject): readonly number[] {
  const map = maps.get('counters');
  if (map === undefined) throw new Error('no map counters');
  const bytes = map.readArray();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return [0, 1].map((entry) => {
    let sum = 0n;
    for (let cpu = 0; cpu < map.cpus; cpu++) sum += view.getBigUint64((entry * map.cpus + cpu) * map.valueStride, true);
    return Number(sum);
  });
}

type Attach = (objects: readonly LoadedObject[], testbed: Testbed, directory: string) => () => void;

/** In the order given, as links behind each other. */
const tcx: Attach = (objects, testbed) => {
  const links = objects.map(({ programs }) => {
    const [program] = programs.values();
    return testbed.run(() => attachTcx(program, testbed.device('eth0').index, 'ingress'));
  });
  return () => links.forEach((link) => link.close());
};

/** As filters of one qdisc, in direct action mode, by preference. */
const clsact: Attach = (objects, testbed, directory) => {
  testbed.run(() => run('tc', ['qdisc', 'add', 'dev', 'eth0', 'clsact']));
  objects.forEach(({ programs }, i) => {
    const [program] = programs.values();
    const path = `${directory}/${i}`;
    pin(program.fd, path);
    const words = `filter add dev eth0 ingress pref ${i + 1} bpf direct-action object-pinned ${path}`;
    testbed.run(() => run('tc', words.split(' ')));
  });
  return () => undefined;
};

describe.skipIf(!able)('several objects at one device, at tc (skipped without root or tc)', () => {
  it.each([
    { name: 'tcx links', attach: tcx },
    { name: 'filters of clsact', attach: clsact },
  ])('what one accepts the next one judges: $name', ({ attach }) => {
    const testbed = Testbed.create({ family: 'v4', chain: 'INPUT', interfaces: ['eth0'] });
    const injector = new IngressInjector(testbed);
    const objects = [firewall('v4', 53), firewall('v6', 53), firewall('v4', 54)];
    const directory = `/sys/fs/bpf/ipt2bpf-chain-${process.pid}`;
    mkdirSync(directory);
    try {
      const detach = attach(objects, testbed, directory);
      const packets = [
        'udp 198.51.100.7:4000 > 192.0.2.1:53',
        'udp 198.51.100.7:4000 > 192.0.2.1:54',
        'udp [2001:db8::7]:4000 > [2001:db8::1]:53',
        'udp [2001:db8::7]:4000 > [2001:db8::1]:54',
      ];
      for (const text of packets) injector.send(packetOf(`${text} in eth0`).packet);
      expect(objects.map(counts)).toEqual([
        [1, 1],
        [1, 1],
        // Only what the first one has accepted.
        [0, 1],
      ]);
      detach();
    } finally {
      rmSync(directory, { recursive: true, force: true });
      for (const object of objects) object.close();
      injector.close();
      testbed.close();
    }
  });
});
