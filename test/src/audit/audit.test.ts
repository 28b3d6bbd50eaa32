import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compile } from '../../../codegen/program/index.js';
import type { CompileOptions, Manifest } from '../../../codegen/program/manifest.js';
import { writeObject } from '../../../codegen/object/write.js';
import { parseDump } from '../../../grammar/index.js';
import { run } from '../cli/run.js';

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-audit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RULES = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 198.51.100.0/24 -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A OUTPUT -d 203.0.113.0/24 -j DROP
COMMIT
`;
/** What the prover does not know. */
const BOUNDED = RULES.replace('-j ACCEPT', '-m quota --quota 1000 -j ACCEPT');
const LIMITED = RULES.replace('-j ACCEPT', '-m limit --limit 5/sec -j ACCEPT');

function built(text: string, options: Partial<CompileOptions> = {}) {
  const { ruleset } = parseDump(text, { family: 'v4' });
  const result = compile(ruleset, { hook: 'xdp', chain: 'INPUT', source: text, sourceFile: 'rules.v4', ...options });
  if (!result.ok) throw new Error(result.diagnostics[0].message);
  return result;
}

/** The object with another manifest. */
function withManifest(text: string, change: (manifest: Manifest) => Manifest): Uint8Array {
  const { spec, manifest } = built(text);
  return writeObject({ ...spec, manifest: JSON.stringify(change(manifest)) });
}

const withSource = (source: string) => (manifest: Manifest) => ({
  ...manifest,
  source,
  sourceHash: createHash('sha256').update(source).digest('hex'),
});

const otherPort = RULES.replace('--dport 22', '--dport 23');

describe('audit', () => {
  it.each([
    { name: 'the same dump', dump: RULES, object: () => built(RULES).object, exit: 0, result: 'same' },
    {
      name: 'other spelling',
      dump: RULES.replace('-p tcp -m tcp --dport 22', '-p 6 --destination-port 22'),
      object: () => built(RULES).object,
      exit: 0,
      result: 'same',
    },
    {
      name: 'another chain has changed',
      dump: RULES.replace('203.0.113.0', '203.0.112.0'),
      object: () => built(RULES).object,
      exit: 0,
      result: 'same',
    },
    { name: 'another port', dump: otherPort, object: () => built(RULES).object, exit: 1, result: 'different' },
    {
      name: 'a rule that counts alone',
      dump: RULES.replace('COMMIT', '-A INPUT -p udp\nCOMMIT'),
      object: () => built(RULES).object,
      exit: 1,
      result: 'different',
    },
    {
      name: 'a manifest with another source',
      dump: otherPort,
      object: () => withManifest(RULES, (manifest) => ({ ...manifest, source: otherPort })),
      exit: 1,
      result: 'different',
    },
    {
      name: 'code of other rules than the manifest has',
      dump: otherPort,
      object: () => withManifest(RULES, withSource(otherPort)),
      exit: 1,
      result: 'different',
    },
    {
      name: 'bytes of another compiler, proved',
      dump: RULES,
      object: () => withManifest(RULES, (manifest) => ({ ...manifest, compiler: 'ipt2bpf 0.0.1' })),
      exit: 0,
      result: 'same',
    },
    {
      name: 'bytes of another compiler, not proved',
      dump: BOUNDED,
      object: () => withManifest(BOUNDED, (manifest) => ({ ...manifest, compiler: 'ipt2bpf 0.0.1' })),
      exit: 2,
      result: 'unknown',
    },
    {
      name: 'options that the manifest tells',
      dump: LIMITED,
      object: () => built(LIMITED, { hook: 'tc', hz: 100, fragments: 'drop', vlan: 'pass', engine: 'dag' }).object,
      exit: 0,
      result: 'same',
    },
  ])('$name: $result', async ({ dump, object, exit, result }) => {
    const [rules, file] = [join(folder, 'rules.v4'), join(folder, 'input.o')];
    writeFileSync(rules, dump);
    writeFileSync(file, object());
    const outcome = await run('audit', rules, file, '--json');
    expect(JSON.parse(outcome.stdout)).toMatchObject({ result });
    expect(outcome.exit).toBe(exit);
  });
});
