import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { MATCHES, TARGETS } from '../../grammar/modules/index.js';
import { modulePage, targetPage } from '../../src/report/module-page.js';
import { MODULE_SAMPLES } from '../../src/report/module-samples.js';
import { TARGET_SAMPLES } from '../../src/report/target-samples.js';

const PAGES = [
  { page: 'docs/modules/matches.md', make: modulePage },
  { page: 'docs/modules/targets.md', make: targetPage },
];

it('knows every match', () => {
  const names = new Set(MATCHES.map(({ name }) => name));
  const shown = new Set(MODULE_SAMPLES.map(({ module }) => module));
  expect([...names].filter((name) => !shown.has(name))).toEqual([]);
});

it('knows every target', () => {
  const shown = new Set(TARGET_SAMPLES.map(({ module }) => module));
  expect(TARGETS.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});

it.each(PAGES)('$page is as the compiler has it', async ({ page, make }) => {
  const text = await format(make(), { ...(await resolveConfig(page)), parser: 'markdown' });
  if ((process.env.IPT2BPF_UPDATE ?? '') !== '') {
    mkdirSync(dirname(page), { recursive: true });
    writeFileSync(page, text);
  }
  expect(readFileSync(page, 'utf8')).toBe(text);
});
