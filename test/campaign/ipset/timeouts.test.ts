import { describe, expect, it } from 'vitest';
import type { SequenceJudgement, SequencePacket } from '../../../bpf-runtime/netfilter/sequence-host.js';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import { bindSets, parseSets } from '../../../grammar/sets/index.js';
import { parsePacketText } from '../../../src/packet/index.js';
import { IptablesSequences, NetfilterMachine } from '../../../src/verify/netfilter-machine.js';

const able = process.platform === 'linux' && process.geteuid?.() === 0 && hasCommand('ipset', ['--version']);

const SETS = [
  'create nets hash:net timeout 600',
  'add nets 10.0.0.0/8 timeout 600',
  'add nets 10.1.0.0/16 timeout 8 nomatch',
  'add nets 10.1.2.0/24 timeout 0',
  'create hosts hash:ip timeout 8',
  'add hosts 11.0.0.1',
  'add hosts 11.0.0.2 timeout 600',
  '',
].join('\n');

const RULES = [
  '*filter',
  ':INPUT ACCEPT [0:0]',
  ':FORWARD ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  '-A INPUT -m set --match-set nets src -j DROP',
  '-A INPUT -m set --match-set hosts src -j DROP',
  'COMMIT',
  '',
].join('\n');

/** Longer than the short times above, and much shorter than the long ones. */
const WAIT_MS = 9500;

function packet(source: string, waitMs?: number): SequencePacket {
  const read = parsePacketText(`udp ${source}:1 > 192.0.2.1:53 in eth0`);
  if (!read.ok) throw new Error(read.diagnostics[0].message);
  return { ...read.text.packet, ...(waitMs === undefined ? {} : { waitMs }) };
}

const SOURCES = ['10.2.0.1', '10.1.0.1', '10.1.2.1', '11.0.0.1', '11.0.0.2', '12.0.0.1'];

describe.skipIf(!able)('elements with times (skipped without root or ipset)', () => {
  it('go when iptables lets them go', () => {
    const { ruleset } = parseDump(RULES, { family: 'v4' });
    const compiled = compile(bindSets(ruleset, parseSets(SETS).sets), { hook: 'netfilter' });
    if (!compiled.ok) throw new Error(compiled.diagnostics[0].message);
    const packets = [
      ...SOURCES.map((source) => packet(source)),
      ...SOURCES.map((source, i) => packet(source, i === 0 ? WAIT_MS : 0)),
    ];
    const options = { family: 'v4', ruleset: RULES, ipset: SETS } as const;
    const verdicts = (machine: { judgeSequence(all: typeof packets): readonly SequenceJudgement[]; close(): void }) => {
      try {
        return machine.judgeSequence(packets).map((one) => (one.reached ? one.verdict : one.reason));
      } finally {
        machine.close();
      }
    };
    const want = verdicts(new IptablesSequences(options));
    expect(want.slice(0, 6)).toEqual(['drop', 'accept', 'drop', 'drop', 'drop', 'accept']);
    expect(want.slice(6)).toEqual(['drop', 'drop', 'drop', 'accept', 'drop', 'accept']);
    expect(verdicts(new NetfilterMachine(compiled, options))).toEqual(want);
  }, 240_000);
});
