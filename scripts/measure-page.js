// Measures the report of a dump with 10,000 rules in Chromium: node scripts/measure-page.js [DIST] [RULES]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [, , dist = 'dist', count = '10000'] = process.argv;
const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-measure-'));
const rules = Array.from({ length: Number(count) }, (_, i) => {
  const address = `10.${(i >> 12) & 255}.${(i >> 4) & 255}.${(i << 4) & 255}/28`;
  return `-A INPUT -s ${address} -p tcp -m tcp --dport ${(i % 60000) + 1} -j ${i % 3 === 0 ? 'DROP' : 'ACCEPT'}`;
});
const dump = join(folder, 'large.v4');
const report = join(folder, 'large.html');
writeFileSync(dump, ['*filter', ':INPUT DROP [0:0]', ...rules, 'COMMIT', ''].join('\n'));

const told = (name, value) => console.log(`${name.padEnd(34)} ${value}`);
const since = (start) => `${(performance.now() - start).toFixed(0)} ms`;

let start = performance.now();
execFileSync(process.execPath, [join(dist, 'src/cli/main.js'), 'report', dump, '-o', report], { stdio: 'ignore' });
told('report written', since(start));
told('size', `${(statSync(report).size / 1e6).toFixed(1)} MB`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const page = await browser.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.goto(pathToFileURL(report).href);
  const paint = await page.evaluate('performance.getEntriesByName("first-contentful-paint")[0].startTime');
  told('first contentful paint', `${paint.toFixed(0)} ms`);
  // What other programs do at the same time makes no difference to this.
  const { metrics } = await session.send('Performance.getMetrics');
  const { value } = metrics.find(({ name }) => name === 'ThreadTime');
  told('CPU of the page until it is there', `${(value * 1000).toFixed(0)} ms`);
  const loaded = await page.evaluate('performance.getEntriesByType("navigation")[0].loadEventEnd');
  told('all of the page there', `${loaded.toFixed(0)} ms`);
  start = performance.now();
  const packet = (i) => `tcp 192.0.2.${i}:4000 > 192.0.2.1:9 SYN in eth0`;
  const ask = async (i) => {
    await page.evaluate(`document.getElementById('answer').replaceChildren()`);
    return page.evaluate(`new Promise((resolve) => {
      const from = performance.now();
      new MutationObserver(() => resolve(performance.now() - from)).observe(document.getElementById('answer'), { childList: true });
      document.getElementById('packet').value = ${JSON.stringify(packet(i))};
      document.getElementById('packet-form').requestSubmit();
    })`);
  };
  await ask(1);
  told('first answer, asked at once', since(start));
  const read = await page.evaluate('performance.getEntriesByName("rules-read")[0].startTime');
  told('rules read', `${read.toFixed(0)} ms`);
  const times = [];
  for (let i = 2; i < 22; i++) times.push(await ask(i));
  times.sort((a, b) => a - b);
  told('an answer, all rules tested', `${times[10].toFixed(0)} ms (median), ${times[19].toFixed(0)} ms (worst of 20)`);
  const wait = await page.evaluate(`new Promise((resolve) => {
    const field = document.getElementById('dump');
    field.focus();
    field.value = field.value.replace('--dport 1 ', '--dport 2 ');
    field.dispatchEvent(new Event('input'));
    let worst = 0, last = performance.now();
    const beat = setInterval(() => { const now = performance.now(); worst = Math.max(worst, now - last); last = now; }, 5);
    new MutationObserver(() => setTimeout(() => { clearInterval(beat); resolve(worst); }, 500)).observe(document.getElementById('edit-state'), { childList: true });
  })`);
  told('longest pause while a dump is edited', `${wait.toFixed(0)} ms`);
  start = performance.now();
  const meanwhile = [];
  const compared = () => page.evaluate(`/^(Compared|Not)/.test(document.getElementById('compare-state').textContent)`);
  while (!(await compared())) meanwhile.push(await ask(100 + meanwhile.length));
  told('changed packets of the edit, after', since(start));
  told(
    'an answer meanwhile',
    meanwhile.length === 0 ? 'none asked' : `${Math.max(...meanwhile).toFixed(0)} ms (worst)`,
  );
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
