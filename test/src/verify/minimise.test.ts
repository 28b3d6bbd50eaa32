import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Packet } from '../../../grammar/model/packet.js';
import { analyse } from '../../../codegen/program/analysis.js';
import { compile } from '../../../codegen/program/index.js';
import { buildPacket, readSpec } from '../../../src/packet/index.js';
import { ObjectComparison } from '../../../src/verify/compare-object.js';
import { InterpreterMachine } from '../../../src/verify/interpreter-machine.js';
import type { Mismatch, VerifyJob } from '../../../src/verify/job.js';
import { minimise, type Reproduce } from '../../../src/verify/minimise.js';

const PLACE = { chain: 'INPUT', hook: 'xdp' } as const;
const BUDGET = 60_000;

const TEXT = `*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p udp -j ACCEPT
COMMIT
*filter
:INPUT ACCEPT [0:0]
:web - [0:0]
:other - [0:0]
-A INPUT -s 10.0.0.0/8 -j ACCEPT
-A INPUT -p tcp -j web
-A INPUT -p udp -j other
-A web -m comment --comment "not these" -m ttl --ttl-lt 2 -j ACCEPT
-A web -i eth0 -p tcp -m tcp --dport 22 -m ttl --ttl-gt 3 -m comment --comment "a b" -j DROP
-A web -p tcp -m tcp --dport 80 -j ACCEPT
-A other -j DROP
COMMIT
`;

/** A job whose object comes from other rules than the reference's: a compiler with a bug. */
function jobWith(text: string, packets: readonly Packet[], bug: (text: string) => string): VerifyJob | undefined {
  const { ruleset, diagnostics } = parseDump(text, { family: 'v4' });
  if (diagnostics.some(({ severity }) => severity === 'error')) return undefined;
  const compiled = compile(parseDump(bug(text), { family: 'v4' }).ruleset, PLACE);
  const analysed = analyse(ruleset, PLACE);
  if (!compiled.ok || !analysed.ok) return undefined;
  const { object, manifest } = compiled;
  const { analysis } = analysed;
  return { ruleset, text, family: 'v4', table: 'filter', chain: 'INPUT', object, manifest, analysis, packets };
}

function mismatchesOf(job: VerifyJob | undefined): readonly Mismatch[] {
  return job === undefined
    ? []
    : new ObjectComparison(job, 'interpreter', new InterpreterMachine(job)).run().mismatches;
}

const packet = buildPacket(
  {
    link: { vlans: [{ id: 0 }] },
    ip: {
      family: 'v4',
      source: 0xc6336407n,
      destination: 0xc0000202n,
      tos: 16,
      ttl: 77,
      options: Uint8Array.of(1, 1, 1, 0),
    },
    transport: { kind: 'tcp', sport: 4000, dport: 22, flags: 24, payload: new Uint8Array(50) },
    padding: 3,
  },
  { inInterface: 'eth0' },
);
/** Compiles port 22 as if it were 23. */
const wrongPort = (text: string): string => text.replace('--dport 22', '--dport 23');

async function minimised(bug: (text: string) => string, budget = BUDGET): ReturnType<typeof minimise> {
  const job = jobWith(TEXT, [packet], bug);
  if (job === undefined) throw new Error('the dump does not compile');
  const mismatch = mismatchesOf(job).find(({ what }) => what === 'verdict');
  if (mismatch === undefined) throw new Error('the bug does not show');
  const reproduce: Reproduce = (text, packets) => Promise.resolve(mismatchesOf(jobWith(text, packets, bug)));
  return minimise(job, mismatch, { budget, reproduce });
}

describe('minimise', () => {
  it('leaves the rules and tests that show the bug, and a plain packet', async () => {
    const found = await minimised(wrongPort);
    if (found === undefined) throw new Error('nothing was found');
    const rules = found.text.split('\n').filter((line) => line.startsWith('-A'));
    expect(rules.map((rule) => rule.split(' ')[1])).toEqual(['INPUT', 'web']);
    expect(rules.join('\n')).toContain('--dport 22');
    expect(rules.join('\n')).not.toMatch(/ttl|comment|eth0/);
    expect(found.text).not.toMatch(/mangle|other/);
    expect(found.unfinished).toBe(false);
    expect(found.mismatch).toMatchObject({ engine: 'interpreter', what: 'verdict', want: 'drop', have: 'accept' });
    const spec = readSpec(found.mismatch.packet.frame);
    expect(spec?.padding).toBeUndefined();
    expect(spec?.link?.vlans).toBeUndefined();
    expect(spec?.ip).toMatchObject({ tos: 0, ttl: 64 });
    expect(spec?.transport).toMatchObject({ kind: 'tcp', dport: 22, flags: 2 });
    expect(found.mismatch.packet.frame.length).toBe(54);
  });

  it('still shows the bug: the smaller example differs when it is run again', async () => {
    const found = await minimised(wrongPort);
    if (found === undefined) throw new Error('nothing was found');
    const again = mismatchesOf(jobWith(found.text, [found.mismatch.packet], wrongPort));
    expect(again.map(({ what, want, have }) => ({ what, want, have }))).toContainEqual({
      what: 'verdict',
      want: 'drop',
      have: 'accept',
    });
  });

  it('finds nothing where the packet by itself shows no mismatch', async () => {
    const job = jobWith(TEXT, [packet], wrongPort);
    if (job === undefined) throw new Error('the dump does not compile');
    const [mismatch] = mismatchesOf(job);
    const reproduce: Reproduce = () => Promise.resolve([]);
    expect(await minimise(job, mismatch, { budget: BUDGET, reproduce })).toBeUndefined();
    expect(await minimise(job, { ...mismatch, index: -1 }, { budget: BUDGET, reproduce })).toBeUndefined();
  });

  it('finds nothing without time', async () => {
    expect(await minimised(wrongPort, 0)).toBeUndefined();
  });
});
