import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { MATCHES } from '../../grammar/modules/index.js';
import { modulePage } from '../../src/report/module-page.js';
import { MODULE_SAMPLES } from '../../src/report/module-samples.js';

const PAGE = 'docs/modules/matches.md';

it('knows every match', () => {
  const names = new Set(MATCHES.map(({ name }) => name));
  const shown = new Set(MODULE_SAMPLES.map(({ module }) => module));
  expect([...names].filter((name) => !shown.has(name))).toEqual([]);
});

it(`${PAGE} is as the compiler has it`, async () => {
  const page = await format(modulePage(), { ...(await resolveConfig(PAGE)), parser: 'markdown' });
  if ((process.env.IPT2BPF_UPDATE ?? '') !== '') {
    mkdirSync(dirname(PAGE), { recursive: true });
    writeFileSync(PAGE, page);
  }
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
