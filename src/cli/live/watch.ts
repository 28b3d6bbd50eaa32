import { pause } from '../../../bpf-runtime/system/pause.js';
import type { CounterEntry } from '../../../codegen/program/manifest.js';
import type { Counters } from '../../../grammar/model/ruleset.js';
import type { DeploymentStatus } from '../../live/status.js';
import { tableLines, type Column } from '../../terminal/table.js';
import { terminalOf } from '../../terminal/terminal.js';
import { EXIT, say, visible, type ExitCode } from '../output.js';
import { attached } from './list.js';

interface Options {
  readonly name?: string;
  readonly pins: string;
  readonly interval: number;
  readonly count?: number;
  readonly json?: boolean;
}

interface Rate {
  readonly entry: CounterEntry;
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
}

interface Reading {
  readonly time: number;
  readonly all: readonly DeploymentStatus[];
}

/** Numbers have room for what is counted in the next second, so that nothing jumps. */
const RATES: readonly Column[] = [
  { head: 'packets/s', align: 'right' },
  { head: 'bit/s', align: 'right' },
  { head: 'rule', align: 'left' },
];

const CLEAR = '\u001b[H\u001b[2J';

/** Shows what rules count, a second at a time, until it is interrupted or has shown it `count` times. */
export function run(options: Options): ExitCode {
  let before = read(options);
  for (let shown = 0; options.count === undefined || shown < options.count; shown++) {
    pause(options.interval * 1000);
    const now = read(options);
    tellRates(before, now, options.json === true);
    before = now;
  }
  return EXIT.same;
}

function read({ pins, name }: Options): Reading {
  return { all: attached(pins, name), time: performance.now() };
}

function tellRates(before: Reading, now: Reading, json: boolean): void {
  const seconds = (now.time - before.time) / 1000;
  const { columns } = terminalOf(process.stdout, process.env);
  const lines: string[] = [];
  for (const one of now.all) {
    const old = before.all.find(({ record }) => record.name === one.record.name);
    const rates = ratesOf(old, one, seconds);
    if (json) {
      say(JSON.stringify({ time: new Date().toISOString(), name: one.record.name, seconds, rates }));
      continue;
    }
    const busy = rates.filter(({ packetsPerSecond }) => packetsPerSecond > 0);
    const rows = busy.map(({ entry, packetsPerSecond, bitsPerSecond }) => [
      packetsPerSecond.toFixed(0).padStart(11),
      bitsPerSecond.toFixed(0).padStart(11),
      visible(nameOf(entry)),
    ]);
    if (rows.length === 0) rows.push(['0'.padStart(11), '0'.padStart(11), 'no packets']);
    lines.push(`${one.record.name}: ${one.state}`, ...tableLines(RATES, rows, columns));
  }
  if (!json) say(`${process.stdout.isTTY ? CLEAR : ''}${lines.join('\n')}`);
}

/** None of a ruleset that has been replaced in between. */
function ratesOf(old: DeploymentStatus | undefined, one: DeploymentStatus, seconds: number): readonly Rate[] {
  if (old === undefined || old.manifest.sourceHash !== one.manifest.sourceHash) return [];
  const rate = (now: bigint, then: bigint): number => Math.max(0, Number(now - then)) / seconds;
  return one.manifest.counters.map((entry, i): Rate => {
    const [now, then]: readonly Counters[] = [one.counters[i], old.counters[i]];
    return {
      entry,
      packetsPerSecond: rate(now.packets, then.packets),
      bitsPerSecond: 8 * rate(now.bytes, then.bytes),
    };
  });
}

function nameOf(entry: CounterEntry): string {
  return entry.kind === 'rule' ? `${entry.number} ${entry.text}` : `policy ${entry.policy} of ${entry.chain}`;
}
