import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { noVerdicts, type EngineReport } from '../../../src/verify/job.js';
import { reportJunit } from '../../../src/verify/report.js';
import { verify } from '../../../src/verify/verify.js';
import { junitErrors } from '../report/junit-schema.js';

const TEXT = `*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`;

async function report(sourceFile: string): Promise<Parameters<typeof reportJunit>[0]> {
  const { ruleset } = parseDump(TEXT, { family: 'v4' });
  const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: 20, seed: 1 });
  const options = { hook: 'xdp', chain: 'INPUT', engines: ['interpreter'], sourceFile } as const;
  const result = await verify(ruleset, TEXT, packets, options);
  if (!result.ok) throw new Error(result.diagnostics[0].message);
  return { job: result.job, engines: result.engines, elapsed: 1234 };
}

const REPORT: EngineReport = {
  engine: 'kernel',
  packets: 0,
  unasked: {},
  verdicts: noVerdicts(),
  notes: [],
  mismatches: [],
};

describe('reportJunit', () => {
  it('fits the schema where all are equal', async () => {
    expect(await junitErrors(reportJunit(await report('rules.v4')))).toEqual([]);
  });

  it('fits the schema with mismatches, with engines that were not asked, and whatever names hold', async () => {
    const { job, engines, elapsed } = await report('a"b<\u0001\u001b[31m>&\ud800\ufffe.v4');
    const mismatch = {
      engine: 'kernel',
      packet: job.packets[0],
      index: 0,
      what: 'verdict',
      want: `accept <by 'rule' 1>`,
      have: 'drop\u0000 & \u0085',
    } as const;
    const all = [
      ...engines,
      { ...REPORT, mismatches: [mismatch] },
      { ...REPORT, engine: 'iptables', skipped: 'no "iptables"\u0007' } as const,
    ];
    const xml = reportJunit({ job, engines: all, elapsed });
    expect(await junitErrors(xml)).toEqual([]);
    expect(xml).toMatch(/tests="3" failures="1" errors="0" skipped="1"/);
    expect(xml).toContain('<failure message="1 mismatch">');
    expect(xml).toContain('accept &lt;by &apos;rule&apos; 1&gt;');
    expect(xml).toContain('a&quot;b&lt;\\x01\\x1b[31m&gt;&amp;');
  });
});

describe('the schema', () => {
  const REFUSED: readonly { name: string; have: string }[] = [
    { name: 'a suite without a name', have: '<testsuites><testsuite tests="0" failures="0" errors="0"/></testsuites>' },
    { name: 'an unknown attribute', have: '<testsuites verdict="fine"/>' },
    { name: 'a time that is none', have: '<testsuites time="1,2 s"/>' },
    { name: 'what is no XML', have: '<testsuites>' },
  ];
  it.each(REFUSED)('refuses $name', async ({ have }) => {
    expect(await junitErrors(have)).not.toEqual([]);
  });
});
