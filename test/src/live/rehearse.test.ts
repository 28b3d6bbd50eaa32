/** What a dry run asks the kernel is what the verb would be told, and nothing of it stays. */
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addVethPair } from '../../../bpf-runtime/system/device.js';
import { exit } from '../../../codegen/bytecode/instruction.js';
import { attach, planAttach, requireAttachable, withTcWay } from '../../../src/live/attach.js';
import type { CheckedObject } from '../../../src/live/object.js';
import { rehearse } from '../../../src/live/rehearse.js';
import type { DeploymentRecord } from '../../../src/live/record.js';
import { able, codeOf, objectOf, ownRules, pinned, withHost } from './support.js';

const dump = (...rules: readonly string[]): string =>
  ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );
const RULES = dump('-A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp-port-unreachable');

/** With programs that return what was never written: the verifier refuses them. */
function refused(object: CheckedObject): CheckedObject {
  const { program } = object.spec;
  const entries = program.entries.map((entry) => ({ ...entry, instructions: [exit()] }));
  return { ...object, spec: { ...object.spec, program: { ...program, entries } } };
}

interface Case {
  readonly name: string;
  readonly object: CheckedObject;
  readonly devices: readonly string[];
  readonly programs: number;
}
const CASES: readonly Case[] = [
  // Three chains, what is behind them, and what the rule of iptables asks.
  { name: 'netfilter', object: objectOf(RULES), devices: [], programs: 5 },
  { name: 'comparing', object: objectOf(RULES, { shadow: true }), devices: [], programs: 4 },
  { name: 'tc', object: objectOf(dump(), { hook: 'tc', chain: 'INPUT' }), devices: ['dry0'], programs: 1 },
  { name: 'xdp', object: objectOf(dump(), { hook: 'xdp', chain: 'INPUT' }), devices: ['dry0'], programs: 1 },
];

describe.skipIf(!able)('a rehearsal (skipped without root, nft or iptables)', () => {
  it.each(CASES)('at $name is loaded, and nothing stays', ({ object, devices, programs }) => {
    withHost(({ base, inside }) => {
      inside(() => {
        addVethPair('dry0', 'dry1');
        const record = withTcWay(planAttach(object.manifest, { base, devices }));
        const said = rehearse(object, record);
        expect(said.programs).toBe(programs);
        expect(said.instructions).toBeGreaterThan(programs);
        expect(pinned(base)).toEqual([]);
        expect(ownRules()).toEqual([]);
        // Its place is free still: what is attached to it now is not in its way.
        attach(object, { base, devices });
      });
    });
  });

  it('ends as the verb would where the kernel refuses a program', () => {
    withHost(({ base, inside }) => {
      const bad = refused(objectOf(RULES));
      expect(inside(() => codeOf(() => rehearse(bad)))).toBe('load-failed');
      expect(inside(() => codeOf(() => attach(bad, { base, devices: [] })))).toBe('load-failed');
    });
  });

  it('ends as the verb would where a place or a name is taken', () => {
    withHost(({ base, inside }) => {
      const object = objectOf(dump(), { hook: 'xdp', chain: 'INPUT' });
      const at = (name: string, device: string): DeploymentRecord =>
        planAttach(object.manifest, { base, name, devices: [device] });
      inside(() => {
        addVethPair('dry0', 'dry1');
        attach(object, { base, name: 'one', devices: ['dry0'] });
        expect(codeOf(() => rehearse(object, at('two', 'dry0')))).toBe('hook-taken');
        expect(codeOf(() => attach(object, { base, name: 'two', devices: ['dry0'] }))).toBe('hook-taken');
        expect(codeOf(() => rehearse(object, at('two', 'dry1')))).toBe('no error');

        expect(codeOf(() => requireAttachable(base, at('one', 'dry1')))).toBe('already-attached');
        const other = join(base, 'other');
        mkdirSync(join(other, 'pins'), { recursive: true });
        expect(codeOf(() => requireAttachable(base, at('other', 'dry1')))).toBe('already-attached');
        rmdirSync(join(other, 'pins'));
        expect(codeOf(() => requireAttachable(base, at('other', 'dry1')))).toBe('no error');
        rmdirSync(other);
      });
    });
  });
});
