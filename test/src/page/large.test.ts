/** A report of 10,000 rules in a real browser: it can be used before the rules are read. scripts/measure-page.js has the times. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { reportPage } from '../../../src/page/page.js';
import { builtCli } from '../../docs/support/built-cli.js';
import { CHROMIUM, openBrowser } from './support/browser.js';

const RULES = 10_000;
const RULE_LINES = Array.from({ length: RULES }, (_, i) => `-A INPUT -s 10.${i >> 8}.${i & 255}.0/28 -p tcp -j DROP`);
const DUMP = ['*filter', ':INPUT ACCEPT [0:0]', ...RULE_LINES, 'COMMIT', ''].join('\n');

/** Runs in the page right behind its script: asks as soon as anybody could, and notes what is said meanwhile. */
const ASKED_AT_ONCE = `<script>
  window.said = [];
  window.beats = 0;
  const state = document.getElementById('packet-state');
  const answer = document.getElementById('answer');
  const note = (text) => text === '' || window.said.push(text);
  const beat = setInterval(() => window.beats++, 1);
  new MutationObserver(() => note(state.textContent)).observe(state, { childList: true });
  new MutationObserver(() => { note(answer.querySelector('.verdict').textContent); clearInterval(beat); })
    .observe(answer, { childList: true });
  document.getElementById('packet-form').requestSubmit();
</script>`;

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-large-'));
const NAME = CHROMIUM === undefined ? 'a report of 10,000 rules (needs chromium)' : 'a report of 10,000 rules';

describe.skipIf(CHROMIUM === undefined)(NAME, () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const assets = join(builtCli('page'), 'src/page/assets');
    const script = (name: string): string => readFileSync(join(assets, `${name}.js`), 'utf8');
    const report = reportPage({
      ruleset: parseDump(DUMP).ruleset,
      dump: { text: DUMP, file: 'large.v4', family: 'v4' },
      status: [],
      scripts: { page: script('page'), engine: script('engine') },
    });
    const [explorer, rest] = report.split('<section aria-labelledby="translation">');
    const file = join(folder, 'large.html');
    writeFileSync(file, `${explorer}${ASKED_AT_ONCE}<section aria-labelledby="translation">${rest}`);
    browser = await openBrowser();
    page = await browser.newPage();
    await page.goto(pathToFileURL(file).href);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says that it reads the rules to who asks before they are read, goes on meanwhile, and answers', async () => {
    await page.locator('#answer .verdict').waitFor();
    expect(await page.evaluate('said')).toEqual([
      'Reading the rules: the answer comes as soon as they are read …',
      'ACCEPT',
    ]);
    expect(await page.evaluate('beats')).toBeGreaterThan(1);
    expect(await page.locator('#packet-state').textContent()).toBe('');
    expect(await page.locator('#answer summary').textContent()).toBe('INPUT 1 to 10000: 10000 rules, none matches');
  });

  it('writes the dump into its field only where somebody comes to it, and reads what is changed there', async () => {
    const dump = page.locator('#dump');
    expect(await dump.inputValue()).toBe('');
    expect(await dump.getAttribute('placeholder')).toMatch(/^10003 lines/);
    await dump.focus();
    expect((await dump.inputValue()) === DUMP).toBe(true);
    // Playwright's own typing takes a browser half a minute in so long a field.
    await page.evaluate(
      `dump.value = dump.value.replace('-j DROP', '-j DORP'); dump.dispatchEvent(new Event('input'))`,
    );
    expect(await page.locator('#edit-result li').innerText()).toMatch(/large\.v4:3:\d+: error\[unknown-target\]/);
    await page.getByRole('button', { name: 'Back to the rules' }).click();
    await page.locator('#edit-state').getByText('those of the report').waitFor();
    expect((await dump.inputValue()) === DUMP).toBe(true);
  });
});
