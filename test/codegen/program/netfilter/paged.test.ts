import { closeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCounters, Tools } from '../../../../bpf-runtime/iptables/tables.js';
import { readCounters } from '../../../../bpf-runtime/kernel/counters.js';
import { loadPrograms } from '../../../../bpf-runtime/kernel/raw-load.js';
import { attachNetfilter, PRIORITY } from '../../../../bpf-runtime/netfilter/link.js';
import { systemCall } from '../../../../bpf-runtime/system/libc.js';
import { systemCallNumbers } from '../../../../bpf-runtime/system/numbers.js';
import { openPacketSocket, setSocketOption } from '../../../../bpf-runtime/system/socket.js';
import { Testbed, type TestbedDevice } from '../../../../bpf-runtime/system/testbed.js';
import { assemble } from '../../../../codegen/bytecode/assemble.js';
import { addFieldOffset, exit, jump64, load, mov64, R0, R1, R6 } from '../../../../codegen/bytecode/instruction.js';
import type { ObjectSpec } from '../../../../codegen/object/spec.js';
import { compile } from '../../../../codegen/program/index.js';
import { NETFILTER_STRUCTS, NF_CONTEXT } from '../../../../codegen/program/netfilter/structs.js';
import { count } from '../../../bpf-runtime/kernel/objects.js';
import { IPTABLES, skipReason } from '../../../support/machine.js';
import { packetOf, rulesetOf } from '../../../src/evaluate/helpers.js';

/** PACKET_VNET_HDR, and how many bytes stand before a frame then (struct virtio_net_hdr; the third field is hdr_len). */
const SOL_PACKET = 263;
const PACKET_VNET_HDR = 15;
const BEFORE = 10;
const HEADER_BYTES_AT = 2;
/** Shorter packets lie in one piece whatever is asked for (packet_alloc_skb, net/packet/af_packet.c). */
const LENGTH = 5000;
const LINK = 14;

const RULES = {
  v4: [
    '-p tcp -m tcp --sport 1000:2000 --dport 22',
    '-p tcp -m tcp --tcp-flags SYN,ACK SYN',
    '-p tcp -m tcp --tcp-option 3',
    '-p udp -m multiport --dports 53,67',
    '-p icmp -m icmp --icmp-type 8',
    '-f',
    '-m length --length 5000',
    '-s 198.51.100.0/24 -m ttl --ttl-gt 3',
  ],
  v6: [
    '-p tcp -m tcp --sport 1000:2000 --dport 22',
    '-p tcp -m tcp --tcp-flags SYN,ACK SYN',
    '-p udp -m multiport --dports 53,67',
    '-p ipv6-icmp -m icmp6 --icmpv6-type 128',
    '-m frag --fragmore',
    '-m length --length 4960:5000',
    '-s 2001:db8::/32 -m hl --hl-gt 3',
  ],
} as const;

const PACKETS = {
  v4: ['tcp 198.51.100.7:1500 > 192.0.2.1:22', 'udp 198.51.100.7:9 > 192.0.2.1:53', 'icmp 198.51.100.7 > 192.0.2.1'],
  v6: [
    'tcp [2001:db8::7]:1500 > [2001:db8::1]:22',
    'tcp [2001:db8::7]:1500 > [2001:db8::1]:22 ext hop,dst',
    'udp [2001:db8::7]:9 > [2001:db8::1]:53 ext rt',
    'udp [2001:db8::7]:9 > [2001:db8::1]:53',
    'ipv6-icmp 2001:db8::7 > 2001:db8::1',
  ],
} as const;

/** Counts in map `counters` the packets of which some bytes lie in pages. */
const PAGED: ObjectSpec = {
  license: 'GPL',
  program: {
    section: 'netfilter',
    entries: [
      {
        name: 'paged',
        linkage: 'global',
        params: [{ name: 'ctx', type: { kind: 'context', struct: 'bpf_nf_ctx' } }],
        instructions: assemble('paged', [
          load(8, R6, R1, NF_CONTEXT.skb),
          addFieldOffset(R6, 'sk_buff', 'data_len'),
          load(4, R6, R6, 0),
          jump64('jeq', R6, 0, 'end'),
          mov64(R6, 0),
          ...count(R6),
          { ...mov64(R0, 1), label: 'end' },
          exit(),
        ]),
      },
    ],
    functions: [],
  },
  maps: [{ name: 'counters', type: 'percpu_array', keySize: 4, valueSize: 16, maxEntries: 1 }],
  kernelStructs: NETFILTER_STRUCTS,
  kfuncs: [],
  manifest: '{}',
  sourceFile: 'none',
};

/** Sends frames out of a device of which so many bytes lie in one piece. */
class PagedSender {
  private readonly fd: number;

  constructor({ index }: TestbedDevice) {
    this.fd = openPacketSocket(index);
    setSocketOption(this.fd, SOL_PACKET, PACKET_VNET_HDR, 1);
  }

  send(frame: Uint8Array, linear: number): void {
    const bytes = new Uint8Array(BEFORE + frame.length);
    new DataView(bytes.buffer).setUint16(HEADER_BYTES_AT, linear, true);
    bytes.set(frame, BEFORE);
    systemCall('write', systemCallNumbers().write, this.fd, bytes, bytes.length);
  }

  close(): void {
    closeSync(this.fd);
  }
}

const why = skipReason(IPTABLES);

describe.skipIf(why !== '')(`packets of which a part lies in pages${why}`, () => {
  it.each([
    {
      family: 'v4',
      table: 'filter',
      chain: 'INPUT',
      chains: ['INPUT', 'FORWARD', 'OUTPUT'],
      priority: PRIORITY.filter,
    },
    {
      family: 'v6',
      table: 'filter',
      chain: 'INPUT',
      chains: ['INPUT', 'FORWARD', 'OUTPUT'],
      priority: PRIORITY.filter,
    },
    { family: 'v4', table: 'raw', chain: 'PREROUTING', chains: ['PREROUTING', 'OUTPUT'], priority: PRIORITY.raw },
    { family: 'v6', table: 'raw', chain: 'PREROUTING', chains: ['PREROUTING', 'OUTPUT'], priority: PRIORITY.raw },
  ] as const)('$family $chain: each rule counts what it counts in iptables', (place) => {
    const { family, table, chain, chains, priority } = place;
    const rules = RULES[family].map((rule) => `-A ${chain} ${rule}`);
    const lines = [`*${table}`, ...chains.map((one) => `:${one} ACCEPT [0:0]`), ...rules, 'COMMIT'];
    const compiled = compile(rulesetOf(family, lines), { hook: 'netfilter', table, chain });
    if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join('; '));
    const ours = loadPrograms(compiled.object);
    const paged = loadPrograms(PAGED);
    const testbed = Testbed.create({ family, chain: 'INPUT', interfaces: ['lo'] });
    try {
      testbed.run(() => {
        const tools = new Tools(family, 'legacy');
        tools.restore(`${lines.join('\n')}\n`);
        const links = [ours, paged].flatMap(({ programs }, i) =>
          [...programs.values()].map((one) =>
            attachNetfilter(one, { family, hook: chain, priority: priority - 1 - i }),
          ),
        );
        const sender = new PagedSender(testbed.device('lo'));
        const least = LINK + (family === 'v4' ? 20 : 40);
        let sent = 0n;
        for (const text of PACKETS[family]) {
          const { frame } = packetOf(`${text} len ${LENGTH} in lo`).packet;
          if (family === 'v6') testbed.acceptAtLoopback(frame.slice(LINK + 24, LINK + 40));
          for (let linear = least; linear <= least + 48; linear++) sender.send(frame, linear);
          sender.send(frame, frame.length);
          sent += 50n;
        }
        const counters = ours.maps.get('counters');
        const seen = paged.maps.get('counters');
        if (counters === undefined || seen === undefined) throw new Error('no counters');
        const want = parseCounters(tools.save(table)).get(chain);
        expect(readCounters(counters, compiled.manifest.counters.length)).toEqual([
          ...(want?.rules ?? []),
          want?.policy,
        ]);
        expect(want?.policy?.packets).toBe(sent);
        // All but those of one piece, though the stack may have put some together.
        expect(readCounters(seen, 1)[0].packets).toBeGreaterThan(sent / 2n);
        sender.close();
        for (const link of links) link.close();
      });
    } finally {
      testbed.close();
      ours.close();
      paged.close();
    }
  });
});
