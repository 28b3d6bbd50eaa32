/**
 * `npm run bench`: measures rulesets of several kinds and sizes, each in a process of its own, and writes
 * docs/performance.md with its plots. `npm run bench -- quick` leaves out the largest rulesets, `npm run bench -- tiny` all above 100
 * rules (to see that everything runs). Needs root, and the tools that it compares with; those that are missing are named in the
 * result. The largest dumps are those of folder `dumps` in IPT2BPF_SHARED.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Kind } from './generate.js';
import { aboveFloor, aboveNext, FILTERS, isAlone, type Measurement, type Where } from './measurement.js';
import { plotSvg } from './plot.js';
import { AGAIN_MINUTES, MOST_AGAIN, isDisturbed, lessDisturbed } from './quiet.js';
import { reportMarkdown, type Failure } from './report.js';
import { median } from './statistics.js';
import { largestDumps } from './workload.js';

const CASE = fileURLToPath(new URL('case.js', import.meta.url));
const ALL_SIZES = [1, 10, 100, 1_000, 10_000, 100_000];
const LARGEST_SIZE = process.argv.includes('tiny') ? 100 : process.argv.includes('quick') ? 10_000 : 100_000;
const SIZES = ALL_SIZES.filter((size) => size <= LARGEST_SIZE);
const DUMPS = 4;
const ALONE: readonly Kind[] = ['acl', 'fw', 'ipc', 'mixed', 'blocklist'];
const IN_STACK: readonly Kind[] = ['fw'];
/** The others walk their rules, or take minutes to load them. */
const MOST_IN_STACK: Readonly<Partial<Record<Where, number>>> = {
  'iptables-legacy': 10_000,
  'iptables-nft': 10_000,
  'nft-translated': 10_000,
  ours: 10_000,
  none: 10_000,
};
const TIMEOUT_MS = 300_000;

/** The first section that `npm run bench` does not write. */
const KEPT = "## The report's page";

const measurements: Measurement[] = [];
const failures: Failure[] = [];

const started = performance.now();

function measure(where: Where, kind: string, rules: number): void {
  const found = measurementOf(where, kind, rules);
  if (isFailure(found)) failures.push(found);
  else measurements.push(found);
}

/** In a process of its own. */
function measurementOf(where: Where, kind: string, rules: number): Measurement | Failure {
  const args = ['--max-old-space-size=4096', CASE, where, kind, String(rules)];
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: 1 << 26,
  });
  if (status === 0) {
    const result = JSON.parse(stdout) as Measurement;
    process.stderr.write(`${where} ${kind} ${rules}: ${told(result)}\n`);
    return result;
  }
  const why =
    signal === null ? (stderr.split('\n').find((line) => /Error|error/.test(line)) ?? 'failed') : 'took too long';
  process.stderr.write(`${where} ${kind} ${rules}: ${why}\n`);
  return { where, kind, rules, why };
}

function isFailure(found: Measurement | Failure): found is Failure {
  return 'why' in found;
}

/** What the machine's neighbours disturbed, once more. */
function measureDisturbedAgain(): void {
  const end = performance.now() + 60_000 * AGAIN_MINUTES;
  for (let round = 0; round < MOST_AGAIN; round++) {
    for (const [place, one] of measurements.entries()) {
      if (!isAlone(one) || !isDisturbed(one, measurements.filter(isAlone)) || performance.now() > end) continue;
      const found = measurementOf(one.where, one.kind, one.rules);
      if (!isFailure(found) && isAlone(found)) measurements[place] = lessDisturbed(one, found);
    }
  }
}

function told(one: Measurement): string {
  const { samples, floor } = isAlone(one) ? one.turn : one;
  const random = isAlone(one) ? `, at random ${aboveNext(one.random).toFixed(0)} ns` : '';
  return `${median(samples).toFixed(0)} ns, floor ${median(floor).toFixed(0)} ns, above it ${aboveFloor(one).toFixed(0)} ns${random}`;
}

for (const kind of ALONE) {
  for (const rules of SIZES) {
    measure('xdp', kind, rules);
    if (kind === 'fw') measure('tc', kind, rules);
  }
}
for (const kind of IN_STACK) {
  for (const rules of SIZES) {
    for (const filter of FILTERS) {
      if (rules <= (MOST_IN_STACK[filter] ?? Infinity)) measure(filter, kind, rules);
    }
  }
}

for (const { name, rules } of largestDumps(DUMPS)) {
  if (rules <= LARGEST_SIZE) for (const where of ['xdp', 'tc'] as const) measure(where, name, rules);
}
measureDisturbedAgain();
failures.push(...(process.env.IPT2BPF_SHARED ? [] : [notGiven('dumps', 'IPT2BPF_SHARED is not set')]));
failures.push(notGiven('bpfilter', 'no binary of it is given'));

/** What was to be measured beside, and could not be. */
function notGiven(kind: string, why: string): Failure {
  return { where: 'none', kind, rules: 0, why };
}

const isKind = (kind: string): boolean => ALONE.some((one) => one === kind);
const series = (of: (one: Measurement) => string | undefined) => {
  const names = [...new Set(measurements.flatMap((one) => of(one) ?? []))];
  return names.map((name) => ({
    name,
    points: measurements
      .filter((one) => of(one) === name)
      .map((one) => ({ x: one.rules, y: Math.max(1, aboveFloor(one)) })),
  }));
};
const axes = { x: 'rules', y: 'ns above the floor' };
writeFileSync(
  'docs/performance-xdp.svg',
  plotSvg({
    title: 'XDP program by itself, packets in turn',
    ...axes,
    series: series(({ where, kind }) => (where === 'xdp' && isKind(kind) ? kind : undefined)),
  }),
);
writeFileSync(
  'docs/performance-input.svg',
  plotSvg({
    title: 'At the INPUT hook, kind fw',
    ...axes,
    series: series((one) => (isAlone(one) || one.where === 'none' ? undefined : one.where)),
  }),
);
const machine = {
  cpu: cpus()[0].model,
  cpus: cpus().length,
  kernel: command('uname', '-r'),
  iptables: command('iptables', '--version'),
};
const REPORT = 'docs/performance.md';
const minutes = (performance.now() - started) / 60_000;
const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[1];
const report = reportMarkdown({ measurements, failures, machine, date: new Date(), minutes, load });
writeFileSync(REPORT, `${report}${keptSections()}`);
command('node_modules/.bin/prettier', '--write', REPORT);

/** What was measured by other commands stands behind this section. */
function keptSections(): string {
  const text = existsSync(REPORT) ? readFileSync(REPORT, 'utf8') : '';
  const at = text.indexOf(KEPT);
  return at < 0 ? '' : `\n${text.slice(at)}`;
}

function command(name: string, ...args: readonly string[]): string {
  return spawnSync(name, args, { encoding: 'utf8' }).stdout?.trim() || `no ${name}`;
}
