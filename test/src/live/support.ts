import { existsSync, readdirSync } from 'node:fs';
import type { NetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { SequenceHost, type SequenceJudgement } from '../../../bpf-runtime/netfilter/sequence-host.js';
import { compile } from '../../../codegen/program/index.js';
import type { CompileOptions } from '../../../codegen/program/manifest.js';
import { parseDump } from '../../../grammar/index.js';
import { checkObject, type CheckedObject } from '../../../src/live/object.js';
import { deploymentNames, Pins } from '../../../src/live/pins.js';
import { removeDeployment } from '../../../src/live/remove.js';
import { rmSync } from 'node:fs';
import { frame4, packet, tcp, udp } from '../../bpf-runtime/iptables/frames.js';

/** Whether rulesets can be attached here. */
export const able =
  process.geteuid?.() === 0 &&
  process.platform === 'linux' &&
  existsSync('/sys/fs/bpf') &&
  ['nft', 'iptables', 'iptables-legacy'].every((tool) => hasCommand(tool));

/** The code of the error that ends it. */
export function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof RuntimeError) return error.code;
    throw error;
  }
  return 'no error';
}

let places = 0;

/** A directory for pins of this test's own. */
export function ownPins(): string {
  return `/sys/fs/bpf/ipt2bpf-live-test-${process.pid}-${places++}`;
}

export function objectOf(dump: string, options: Partial<CompileOptions> = {}): CheckedObject {
  const { ruleset } = parseDump(dump, { family: 'v4' });
  const result = compile(ruleset, { hook: 'netfilter', source: dump, sourceFile: 'test.v4', ...options });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  return checkObject(result.object, 'test.o');
}

export interface LiveHost {
  readonly host: SequenceHost;
  readonly namespace: NetworkNamespace;
  readonly base: string;
  /** Runs in the host's network namespace. */
  inside<T>(body: () => T): T;
  /** What becomes of a TCP SYN to port 22 and datagrams to ports 1, 2 and 3, all of them for the host. */
  verdicts(): readonly string[];
}

const PACKETS = [tcp(1000, 22), udp(1000, 1), udp(1000, 2), udp(1000, 3)].map((payload, i) =>
  packet(frame4({ protocol: i === 0 ? 6 : 17, validTcp: i === 0 }, payload)),
);

const word = (judgement: SequenceJudgement): string => (judgement.reached ? judgement.verdict : judgement.reason);

/** A host with no rules, in a network namespace of its own; what is attached in it is taken away at the end. */
export function withHost(body: (host: LiveHost) => void): void {
  const { live, close } = newHost();
  try {
    body(live);
  } finally {
    close();
  }
}

/** As {@link withHost}; what is awaited runs outside of the namespace. */
export async function withHostAsync(body: (host: LiveHost) => Promise<void>): Promise<void> {
  const { live, close } = newHost();
  try {
    await body(live);
  } finally {
    close();
  }
}

function newHost(): { readonly live: LiveHost; close(): void } {
  const host = SequenceHost.create({ family: 'v4', ruleset: '', local: ['192.0.2.0/24'] });
  const base = ownPins();
  const { namespace } = host.testbed;
  const inside = <T>(act: () => T): T => namespace.run(act);
  return {
    live: { host, namespace, base, inside, verdicts: () => host.judgeSequence(PACKETS).map(word) },
    close: () => {
      inside(() => clear(base));
      host.close();
    },
  };
}

export function clear(base: string): void {
  for (const name of deploymentNames(base)) removeDeployment(new Pins(base, name));
  rmSync(base, { recursive: true, force: true });
}

/** What of this project is left in table filter of iptables. */
export function ownRules(): readonly string[] {
  return run('iptables-save', [])
    .split('\n')
    .filter((line) => line.includes('ipt2bpf'));
}

export function pinned(base: string): readonly string[] {
  return existsSync(base) ? readdirSync(base) : [];
}
