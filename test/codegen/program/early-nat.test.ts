import { describe, expect, it } from 'vitest';
import { analyse } from '../../../codegen/program/analysis.js';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import { parsePacketText } from '../../../src/packet/index.js';
import { InterpreterMachine } from '../../../src/verify/interpreter-machine.js';

const NAT = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
`;

function filter(forwardPolicy: string, ...rules: readonly string[]): string {
  return `*filter\n:INPUT DROP [0:0]\n:FORWARD ${forwardPolicy} [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules.map((r) => `${r}\n`).join('')}COMMIT\n`;
}

function judge(text: string, chain: 'INPUT' | 'FORWARD', packetText: string): string {
  const { ruleset } = parseDump(text, { family: 'v4' });
  const options = { hook: 'xdp', chain, mode: 'early', source: text } as const;
  const compiled = compile(ruleset, options);
  const analysed = analyse(ruleset, options);
  const parsed = parsePacketText(packetText);
  if (!compiled.ok || !analysed.ok || !parsed.ok) throw new Error('bad case');
  const { packet } = parsed.text;
  const { object, manifest } = compiled;
  const base = { ruleset, text, family: 'v4', table: 'filter', chain, object, manifest } as const;
  return new InterpreterMachine({ ...base, analysis: analysed.analysis, packets: [packet] }).run(packet, 0);
}

describe('early mode where addresses are rewritten', () => {
  const syn = 'tcp 198.51.100.7:4000 > 203.0.113.1:8080 SYN in eth0';
  const cases: readonly { name: string; text: string; chain: 'INPUT' | 'FORWARD'; packet: string; want: string }[] = [
    { name: 'no nat: INPUT drops', text: filter('ACCEPT'), chain: 'INPUT', packet: syn, want: 'drop' },
    {
      name: 'DNAT may send it to FORWARD, which accepts',
      text: NAT + filter('ACCEPT'),
      chain: 'INPUT',
      packet: syn,
      want: 'accept',
    },
    { name: 'both chains drop', text: NAT + filter('DROP'), chain: 'INPUT', packet: syn, want: 'drop' },
    {
      name: 'a rule on the rewritten destination may accept',
      text: NAT + filter('DROP', '-A FORWARD -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT'),
      chain: 'INPUT',
      packet: syn,
      want: 'accept',
    },
    {
      name: 'a source that both chains drop stays dropped',
      text: NAT + filter('ACCEPT', '-A FORWARD -s 198.51.100.0/24 -j DROP'),
      chain: 'INPUT',
      packet: syn,
      want: 'drop',
    },
    {
      name: 'FORWARD asks INPUT, too',
      text: NAT + filter('DROP', '-A INPUT -p tcp -j ACCEPT'),
      chain: 'FORWARD',
      packet: `${syn} out eth1`,
      want: 'accept',
    },
  ];
  for (const { name, text, chain, packet, want } of cases) {
    it(name, () => {
      expect(judge(text, chain, packet)).toBe(want);
    });
  }
});
