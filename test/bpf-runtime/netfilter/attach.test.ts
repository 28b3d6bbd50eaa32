import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addResidual, attachObject, removePins } from '../../../bpf-runtime/netfilter/attach.js';
import { SequenceHost, type SequenceJudgement } from '../../../bpf-runtime/netfilter/sequence-host.js';
import { loadPrograms, type LoadedObject } from '../../../bpf-runtime/kernel/raw-load.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import type { Manifest } from '../../../codegen/program/manifest.js';
import { parseDump } from '../../../grammar/index.js';
import { frame4, packet, tcp, udp } from '../iptables/frames.js';

const able = process.getuid?.() === 0 && hasCommand('nft') && hasCommand('iptables-legacy');
const PINS = `/sys/fs/bpf/ipt2bpf-attach-test-${process.pid}`;
const DUMP = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p udp -m udp --dport 2 -j ACCEPT
COMMIT
`;
const PACKETS = [tcp(1000, 22), udp(1000, 1), udp(1000, 2), udp(1000, 3)].map((payload, i) =>
  packet(frame4({ protocol: i === 0 ? 6 : 17, validTcp: i === 0 }, payload)),
);

interface Place {
  readonly host: SequenceHost;
  readonly object: LoadedObject;
  readonly manifest: Manifest;
}

function withObject(body: (place: Place) => void): void {
  const { ruleset } = parseDump(DUMP, { family: 'v4' });
  const result = compile(ruleset, { hook: 'netfilter' });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  const host = SequenceHost.create({ family: 'v4', ruleset: '', local: ['192.0.2.0/24'] });
  const object = loadPrograms(result.object);
  try {
    body({ host, object, manifest: result.manifest });
  } finally {
    removePins(PINS);
    object.close();
    host.close();
  }
}

const verdicts = (judgements: readonly SequenceJudgement[]): readonly string[] =>
  judgements.map((judgement) => (judgement.reached ? judgement.verdict : judgement.reason));

describe.skipIf(!able)('a whole object at its hooks (skipped without root, nft or iptables)', () => {
  it('judges, and iptables answers; closing ends it', () => {
    withObject(({ host, object, manifest }) => {
      host.testbed.run(() => addResidual(object, manifest, { pins: PINS }));
      expect(readdirSync(PINS)).toHaveLength(2);
      const attached = attachObject(object, manifest, host.testbed.namespace);
      expect(verdicts(host.judgeSequence(PACKETS))).toEqual(['reject', 'reject', 'accept', 'drop']);
      attached.close();
      expect(verdicts(host.judgeSequence(PACKETS))).toEqual(['accept', 'accept', 'accept', 'accept']);
    });
  });

  it('lets nothing through that is to be rejected where nobody answers', () => {
    withObject(({ host, object, manifest }) => {
      const attached = attachObject(object, manifest, host.testbed.namespace);
      expect(verdicts(host.judgeSequence(PACKETS))).toEqual(['drop', 'drop', 'accept', 'drop']);
      attached.close();
    });
  });

  it('attaches all or nothing', () => {
    withObject(({ host, object, manifest }) => {
      const { namespace } = host.testbed;
      const [, , output] = manifest.programs;
      const taken = attachObject(object, { family: 'v4', table: 'filter', programs: [output] }, namespace);
      expect(() => attachObject(object, manifest, namespace)).toThrow(/another program is there/);
      expect(verdicts(host.judgeSequence(PACKETS))).toEqual(['accept', 'accept', 'accept', 'accept']);
      taken.close();
    });
  });

  it('leaves no pins where the tool refuses its rules', () => {
    withObject(({ host, object, manifest }) => {
      // No chain PREROUTING in table filter.
      const rules = manifest.residual?.rules.map((one) => ({ ...one, chains: ['PREROUTING' as const] })) ?? [];
      const plan = { ...manifest, residual: { guard: 'ipt2bpf_guard', rules } };
      expect(() => host.testbed.run(() => addResidual(object, plan, { pins: PINS }))).toThrow(
        /iptables-legacy-restore/,
      );
      expect(existsSync(PINS)).toBe(false);
      expect(host.testbed.run(() => run('iptables-legacy-save', ['-t', 'filter']))).not.toContain('bpf');
    });
  });
});
