/**
 * The report in a real browser, from a file: URL. Screenshots go to `coverage/screenshots` (kept by nobody else).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePacketText, writePcap } from '../../../src/packet/index.js';
import { builtCli } from '../../docs/support/built-cli.js';
import { CHROMIUM, openBrowser, runTool } from './support/browser.js';
import { focusOf, tabThrough, tabTo } from './support/keyboard.js';

const DUMP = `*filter
:INPUT DROP [7:420]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ssh - [0:0]
[100:8000] -A INPUT -i lo -j ACCEPT
[20:1200] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
[3:180] -A INPUT -p tcp -m tcp --dport 22 -j ssh
[0:0] -A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
[2:120] -A ssh -s 192.0.2.0/24 -j ACCEPT
[1:60] -A ssh -m comment --comment "<b>&\\"quoted\\"</b></script>" -j REJECT --reject-with icmp-port-unreachable
[0:0] -A ssh -s 198.51.100.0/24 -j ACCEPT
COMMIT
`;

const OTHER = DUMP.replace('--dports 80,443', '--dports 443');

const SCREENSHOTS = resolve('coverage/screenshots');
const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-page-'));
const at = (name: string): string => join(folder, name);

const NAME = CHROMIUM === undefined ? 'the report (needs chromium)' : 'the report in a browser';

describe.skipIf(CHROMIUM === undefined)(NAME, () => {
  let browser: Browser;
  let page: Page;
  const trouble: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    const dist = builtCli('page');
    writeFileSync(at('rules.v4'), DUMP);
    writeFileSync(at('other.v4'), OTHER);
    runTool(dist, 'report', at('rules.v4'), '--against', at('other.v4'), '-o', at('report.html'));
    mkdirSync(SCREENSHOTS, { recursive: true });
    browser = await openBrowser();
    page = await browser.newPage({ colorScheme: 'light', viewport: { width: 1100, height: 900 } });
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') trouble.push(message.text());
    });
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(at('report.html')).href);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function follow(packet: string): Promise<string> {
    await page.getByLabel('Packet', { exact: true }).fill(packet);
    await page.getByLabel('Packet', { exact: true }).press('Enter');
    const answer = page.locator('#answer');
    await answer.getByText(packet.split(' ')[1], { exact: false }).first().waitFor();
    return answer.innerText();
  }

  it('shows chains, rules, counters and what differs', async () => {
    await expect(page.title()).resolves.toContain('rules.v4');
    const rule = page.locator('[id="filter.ssh.2"]');
    expect(await rule.textContent()).toContain('"<b>&\\"quoted\\"</b></script>"');
    expect(await page.locator('[id="filter.INPUT.1"] td.heat').textContent()).toBe('100');
    expect(await page.locator('#translation-part').innerText()).toContain('conntrack looks at a packet later');
    expect(await page.locator('ins').allInnerTexts()).toEqual(['+-A INPUT -p tcp -m multiport --dports 443 -j ACCEPT']);
    await page.screenshot({ path: join(SCREENSHOTS, 'report-light.png') });
  });

  it('shows the packets that are judged otherwise, and follows one of them', async () => {
    const row = page.locator('table.regions tbody tr');
    const text = await row.innerText();
    expect(text).toMatch(/ACCEPT\s*→\s*DROP/);
    expect(text).toMatch(/protocol tcp; port 80\b/);
    expect(text).toMatch(/After: DROP by .*other\.v4:2: policy DROP of INPUT/);
    await row.getByRole('button').click();
    await page
      .locator('#answer')
      .getByText(/ACCEPT in table filter/)
      .waitFor();
  });

  it('names the rule that no packet needs, where it stands and by itself', async () => {
    expect(await page.locator('[id="filter.ssh.3"] .badge').textContent()).toBe('unreachable');
    expect(await page.locator('ul.findings li').innerText()).toMatch(/ssh 3 unreachable -A ssh -s 198\.51\.100\.0\/24/);
  });

  it('has figures of the decision structures', async () => {
    const section = page.getByRole('region', { name: 'Figures of the decision structures' });
    expect(await section.innerText()).toMatch(/filter INPUT at netfilter: \d+ bytes\s[^]*INPUT\s+rule by rule\s+4/);
    await page.locator('#objects').scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(SCREENSHOTS, 'changes.png') });
  });

  it('is walked through without a mouse', async () => {
    const walk = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    await walk.goto(pathToFileURL(at('report.html')).href);
    const answer = walk.locator('#answer');
    // From the top to the chains, box, chain, rule.
    await tabTo(walk, 'nav a[href="#chains"]');
    await walk.keyboard.press('Enter');
    await tabTo(walk, '.graph');
    await tabTo(walk, '.graph a[data-chain="ssh"]');
    await walk.keyboard.press('Enter');
    expect(await focusOf(walk)).toBe('filter.ssh');
    await tabTo(walk, 'a[href="#filter.INPUT.3"]');
    await walk.keyboard.press('Enter');
    expect(await focusOf(walk)).toBe('filter.INPUT.3');
    // Back to the field, as one who reads on from a rule. What is wrong in a packet is selected: a key mends it.
    await tabTo(walk, '#packet', 'Shift+Tab');
    await walk.keyboard.press('Control+A');
    await walk.keyboard.insertText('tcp 192.0.2.9:4000 > 192.0.2.1:22 SYN in eth0 state NEW XYZ');
    await walk.keyboard.press('Enter');
    await walk.locator('#packet-error:not(:empty)').waitFor();
    await walk.keyboard.press('Delete');
    await walk.keyboard.press('Enter');
    await answer.getByText('by rule 1 of ssh').waitFor();
    expect(await focusOf(walk), 'an answer does not take the focus away').toBe('packet');
    // Another dump, and back.
    await tabTo(walk, '#dump');
    await walk.keyboard.press('Control+A');
    await walk.keyboard.insertText(OTHER);
    await walk.locator('#compare-state').getByText('Compared for all packets').waitFor();
    expect(await focusOf(walk)).toBe('dump');
    await tabTo(walk, '#compare-result button');
    await walk.keyboard.press('Enter');
    await answer.locator('.changed').waitFor();
    expect(await focusOf(walk)).toBe('packet');
    await tabTo(walk, '#edit-reset');
    await walk.keyboard.press('Enter');
    await walk.locator('#edit-state').getByText('those of the report').waitFor();
    expect(await focusOf(walk)).toBe('edit-reset');
    await tabTo(walk, '#answer a[href="#filter.INPUT.4"]', 'Shift+Tab');
    await walk.keyboard.press('Enter');
    expect(await focusOf(walk)).toBe('filter.INPUT.4');
    await walk.goto(pathToFileURL(at('report.html')).href);
    expect(await tabThrough(walk)).toEqual({ missed: [], unseen: [] });
    await walk.close();
  });

  const packets: readonly { name: string; have: string; want: RegExp }[] = [
    {
      name: 'accepted in a chain',
      have: 'tcp 192.0.2.9:4000 > 192.0.2.1:22 SYN in eth0 state NEW',
      want: /ACCEPT in table filter[^]*by rule 1 of ssh/,
    },
    {
      name: 'rejected',
      have: 'tcp 198.51.100.7:4001 > 192.0.2.1:22 SYN in eth0 state NEW',
      want: /REJECT \(icmp-port-unreachable\)[^]*by rule 2 of ssh/,
    },
    {
      name: 'not certain without the state of its connection',
      have: 'udp 198.51.100.8:53 > 192.0.2.1:53 in eth0',
      want: /ACCEPT or DROP[^]*add it, e\.g\. state NEW/,
    },
    {
      name: 'that never comes there',
      have: 'udp 127.0.0.1:9 > 192.0.2.1:9 in eth0',
      want: /never reaches chain INPUT/,
    },
  ];
  it.each(packets)('follows a packet: $name', async ({ have, want }) => {
    expect(await follow(have)).toMatch(want);
  });

  it('marks the way of a packet', async () => {
    await follow('tcp 192.0.2.9:4002 > 192.0.2.1:22 SYN in eth0 state NEW');
    const marked = await page.locator('tr.on-way').evaluateAll((rows) => rows.map(({ id }) => id));
    expect(marked).toEqual(['filter.INPUT.3', 'filter.ssh.1']);
    const boxes = page.locator('.graph a.on-way');
    expect(await boxes.evaluateAll((all) => all.map((box) => box.getAttribute('data-chain')))).toEqual([
      'INPUT',
      'ssh',
    ]);
    await page.screenshot({ path: join(SCREENSHOTS, 'way.png') });
  });

  it('says which word of a packet is wrong', async () => {
    await page.getByLabel('Packet', { exact: true }).fill('tcp 192.0.2.9:4000 > 192.0.2.1:22 SIN');
    await page.getByLabel('Packet', { exact: true }).press('Enter');
    await page.locator('#packet-error:not(:empty)').waitFor();
    expect(await page.locator('#packet-error').innerText()).toMatch(/SIN/);
    const selected = 'const f = document.getElementById("packet"); f.value.slice(f.selectionStart, f.selectionEnd)';
    expect(await page.evaluate(selected)).toBe('SIN');
  });

  it('judges a dropped capture', async () => {
    const texts = [
      'tcp 192.0.2.9:4000 > 192.0.2.1:22 SYN',
      'tcp 192.0.2.9:4000 > 192.0.2.1:80 SYN',
      'udp 192.0.2.9:4000 > 192.0.2.1:80',
    ];
    const frames = texts.map((text) => {
      const parsed = parsePacketText(text);
      if (!parsed.ok) throw new Error(text);
      return { frame: parsed.text.packet.frame };
    });
    await page.getByLabel('Connection').selectOption('NEW');
    const bytes = [...writePcap(frames)];
    const dataTransfer = await page.evaluateHandle(
      `(() => { const t = new DataTransfer(); t.items.add(new File([new Uint8Array(${JSON.stringify(bytes)})], 'a.pcap')); return t; })()`,
    );
    await page.dispatchEvent('body', 'drop', { dataTransfer });
    const result = page.locator('#capture-result');
    await result.getByText('3 packets').waitFor();
    expect(await result.locator('tbody tr td:nth-child(2)').allInnerTexts()).toEqual(['ACCEPT', 'ACCEPT', 'DROP']);
    await result.locator('button').nth(1).click();
    await page.locator('#answer').getByText('by rule 4 of INPUT').waitFor();
  });

  it('tells errors of an edited dump, asks sound rules, and compares', async () => {
    const dump = page.locator('#dump');
    await dump.fill(DUMP.replace('--dports', '--dprots'));
    await page.locator('#edit-state').getByText('1 errors').waitFor();
    expect(await page.locator('#edit-result li').innerText()).toMatch(/rules\.v4:9:\d+: error\[unknown-option\]/);
    await follow('tcp 192.0.2.9:4003 > 192.0.2.1:80 SYN in eth0 state NEW');
    await dump.fill(OTHER);
    await page.locator('#answer .changed').waitFor();
    expect(await page.locator('#answer').innerText()).toMatch(/DROP[^]*Changed: the rules of the report say ACCEPT/);
    expect(await page.locator('#edit-result del').allInnerTexts()).toEqual([
      '--A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT',
    ]);
    expect(await page.locator('#chains-part').textContent()).toContain('--dports 443');
    await page.locator('#compare-state').getByText('Compared for all packets').waitFor();
    const row = page.locator('#compare-result table.regions tbody tr');
    expect(await row.innerText()).toMatch(
      /ACCEPT\s*→\s*DROP[^]*protocol tcp; port 80\b[^]*After: DROP by .*rules\.v4 \(edited\):2/,
    );
    await row.getByRole('button', { name: 'Follow' }).click();
    await page.locator('#answer').getByText(':80 SYN').first().waitFor();
    expect(await page.locator('#answer .changed').innerText()).toMatch(/the rules of the report say ACCEPT/);
    // What is typed next takes the place of it, and what is no change says so.
    await dump.fill(OTHER.replace('-s 192.0.2.0/24', '-s 192.0.2.0/25'));
    await page.locator('#compare-result').getByText('192.0.2.128/25').waitFor();
    await dump.fill(DUMP.replace('[0:0] -A ssh -s 198.51.100.0/24 -j ACCEPT\n', ''));
    await page.locator('#compare-result').getByText('No packet is judged otherwise').waitFor();
    await dump.fill(OTHER);
    await page.locator('#compare-result').getByText('protocol tcp; port 80').waitFor();
    expect(await page.locator('#capture-result tbody tr').nth(1).innerText()).toMatch(/DROP \(before: ACCEPT\)/);
    await page.screenshot({ path: join(SCREENSHOTS, 'edited.png') });
    await page.getByRole('button', { name: 'Back to the rules' }).click();
    await page.locator('#edit-state').getByText('those of the report').waitFor();
    expect(await page.locator('[id="filter.INPUT.1"] td.heat').textContent()).toBe('100');
  });

  it('is readable in the dark', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe('rgb(13, 17, 23)');
    await page.screenshot({ path: join(SCREENSHOTS, 'report-dark.png') });
  });

  it('has a name for every control, and no two alike ids', async () => {
    const nameless = await page.evaluate(`[...document.querySelectorAll('input, select, textarea, button')]
      .filter((one) => (one.labels ?? []).length === 0 && one.textContent.trim() === '').map((one) => one.id)`);
    expect(nameless).toEqual([]);
    const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
    expect(ids.length).toBe(new Set(ids).size);
  });

  it('asks for nothing outside, and nothing fails', () => {
    expect(requests.filter((url) => !/^(file|blob):/.test(url))).toEqual([]);
    expect(trouble).toEqual([]);
  });
});
