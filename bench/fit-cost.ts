/**
 * Fits the coefficients of the cost model (codegen/program/engine/cost.ts) to this machine, and writes them:
 * `npm run bench:fit`. Each ruleset is measured at XDP with both engines, in a process of its own,
 * by packets at random: those that come again in the same order would make jumps cheaper than they are.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AloneMeasurement } from './measurement.js';
import { median } from './statistics.js';

const CASE = fileURLToPath(new URL('case.js', import.meta.url));
const FILE = 'codegen/program/engine/cost-coefficients.ts';
const KINDS = ['acl', 'fw', 'mixed', 'blocklist'] as const;
const SIZES = { linear: [10, 30, 100, 300, 1000], dag: [10, 30, 100, 300, 1000, 3000, 10_000] } as const;
const NAMES = ['instructions', 'halvings', 'looks', 'branches', 'steps', 'entries', 'misses'] as const;
const COEFFICIENTS = ['instruction', 'halving', 'look', 'branch', 'step', 'entry', 'miss'] as const;
/** Addresses of a list that is code. */
const LISTS = [10, 30, 100, 200, 300];
const ROUNDS = 20_000;

interface Point {
  /** 1 for what every packet costs (reading it, counting, the verdict), then the amounts of {@link NAMES}. */
  readonly row: readonly number[];
  readonly ns: number;
}

const points: Point[] = [];
for (const engine of ['linear', 'dag'] as const) {
  for (const kind of KINDS) for (const rules of SIZES[engine]) measure(engine, kind, rules);
}
// Only `auto` folds rules into lists; longer ones it does not leave in code.
for (const rules of LISTS) measure('auto', 'blocklist', rules);
const fitted = nonNegativeLeastSquares(points);
const lines = COEFFICIENTS.map((name, i) => `  ${name}: ${fitted[i + 1].toPrecision(3)},`);
const text = `/**
 * Nanoseconds, fitted to measurements by \`bench/fit-cost.ts\`, which writes this file. Only their ratios matter for the
 * choice of an engine.
 */
export const COST = {
${lines.join('\n')}
} as const;
`;
writeFileSync(FILE, text.replace(/: (\d+\.\d*?)0+,/g, ': $1,').replace(/\.,/g, ','));
const errors = points.map(({ row, ns }) => Math.abs(predicted(row) - ns) / ns);
process.stderr.write(`each packet ${fitted[0].toFixed(0)} ns; half of the points within ${percent(median(errors))}\n`);

function measure(engine: 'linear' | 'dag' | 'auto', kind: string, rules: number): void {
  const { stdout, status } = spawnSync(process.execPath, [CASE, 'xdp', kind, String(rules), engine], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 120_000,
  });
  if (status !== 0) return;
  const { random, compiled } = JSON.parse(stdout) as AloneMeasurement;
  // What disturbs a run makes it longer: the shortest ones tell most.
  const ns = Math.min(...random.samples) - Math.min(...random.floor);
  const row = [1, ...NAMES.map((name) => compiled.work.reduce((sum, one) => sum + one[name], 0))];
  points.push({ row, ns });
  process.stderr.write(`${engine} ${kind} ${rules}: ${ns} ns, ${row.map((n) => n.toFixed(1)).join(' ')}\n`);
}

function predicted(row: readonly number[]): number {
  return row.reduce((sum, amount, i) => sum + amount * fitted[i], 0);
}

/** Coordinate descent on the squares of relative errors; no coefficient becomes negative. */
function nonNegativeLeastSquares(given: readonly Point[]): readonly number[] {
  const rows = given.map(({ row, ns }) => row.map((amount) => amount / ns));
  const out = rows[0].map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < out.length; i++) {
      let squares = 0;
      let rest = 0;
      for (const row of rows) {
        const others = row.reduce((sum, amount, j) => sum + (j === i ? 0 : amount * out[j]), 0);
        squares += row[i] * row[i];
        rest += row[i] * (1 - others);
      }
      out[i] = squares === 0 ? 0 : Math.max(0, rest / squares);
    }
  }
  return out;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
