/**
 * What the optimizer does to the code of small chains: one file a transformation, the rules as they stand beside the optimized ones.
 * After a wanted change write them anew and read the difference:
 *
 *     UPDATE_GOLDEN=1 npx vitest run test/codegen/optimize/golden.test.ts && git diff test/codegen/optimize/golden
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chainsText, listingOf } from '../program/golden-text.js';
import { analysisOf, filterText } from '../program/rulesets.js';
import { optimizedLines, type Case } from './optimized-text.js';

const FOLDER = fileURLToPath(new URL('golden/', import.meta.url));
const UPDATE = process.env.UPDATE_GOLDEN === '1';

const CASES: readonly (Case & { readonly name: string })[] = [
  {
    name: 'specialise-chains',
    rules: ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'],
  },
  {
    name: 'covered-rules',
    rules: [
      '-A INPUT -s 192.0.2.0/24 -j ACCEPT',
      '-A INPUT -s 192.0.2.1/32 -p udp -j DROP',
      '-A INPUT -j DROP',
      '-A INPUT -m limit --limit 1/sec -j ACCEPT',
    ],
  },
  { name: 'order-tests', rules: ['-A INPUT -i eth0 -p tcp -d 192.0.2.1/32 -j ACCEPT'] },
  {
    name: 'inline-chains',
    userChains: ['WEB'],
    rules: [
      '-A INPUT -p tcp -j WEB',
      '-A INPUT -j DROP',
      '-A WEB -s 192.0.2.0/24 -j RETURN',
      '-A WEB -p tcp -j ACCEPT',
    ],
  },
  {
    name: 'fold-lists',
    rules: ['192.0.2.7', '192.0.2.8', '198.51.100.0/24', '203.0.113.5', '203.0.113.0/28'].map(
      (address, i) => `-A INPUT -s ${address} -j ${i === 2 ? 'ACCEPT' : 'DROP'}`,
    ),
  },
];

function goldenText(one: Case): string {
  const analysis = analysisOf(filterText(one), { hook: 'xdp', chain: 'INPUT' });
  const rules = (one.rules ?? []).map((rule) => `# ${rule}`);
  const lines = optimizedLines({ ...one, place: { hook: 'xdp' } }).map((line) => `# ${line}`);
  const code = (optimize: boolean): string => chainsText(listingOf(analysis, optimize), 'folded');
  return [...rules, '', '== as they stand', '', code(false), '== optimized', ...lines, '', code(true)].join('\n');
}

describe('rules as they stand, and optimized', () => {
  it.each(CASES)('$name', ({ name, ...one }) => {
    const path = `${FOLDER}${name}.txt`;
    const have = goldenText(one);
    if (UPDATE) mkdirSync(FOLDER, { recursive: true });
    if (UPDATE) writeFileSync(path, have);
    const want = existsSync(path) ? readFileSync(path, 'utf8') : `no file ${name}.txt: write it with UPDATE_GOLDEN=1\n`;
    expect(have).toBe(want);
  });

  it('has no file of no test', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(CASES.map(({ name }) => `${name}.txt`).sort());
  });
});
