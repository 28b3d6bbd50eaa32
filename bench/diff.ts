/**
 * Measures `ipt2bpf diff` of long rulesets with ten edits, and prints a table of the time by the clock, the processor time and the
 * peak memory of the whole command: `npm run bench:diff`. Arguments: `--runs N`
 * (the least time of so many runs is told), `--rules N`, `--edits N`; others, such as `--strict`, go to the command.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EDIT_KINDS, edited, type EditKind } from './edits.js';
import { generateRuleset } from './generate.js';

const COMMAND = 'dist/src/cli/main.js';
const RULESETS = { acl: 'access list', fw: 'firewall', ipc: 'address pairs', mixed: 'mixed' } as const;
/** The process tells its own peak memory, in KiB, and processor time, in µs, on descriptor 3. */
const TELL_USAGE =
  'data:text/javascript,import{writeSync}from"node:fs";process.on("exit",()=>{const{maxRSS,userCPUTime,systemCPUTime}=process.resourceUsage();writeSync(3,`${maxRSS} ${userCPUTime+systemCPUTime}`)})';

interface Run {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly mebibytes: number;
}

const { values, tokens } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    rules: { type: 'string', default: '10000' },
    edits: { type: 'string', default: '10' },
  },
  strict: false,
  tokens: true,
});
const own = ['runs', 'rules', 'edits'];
const passed = tokens.flatMap((token) => (token.kind === 'option' && !own.includes(token.name) ? [token.rawName] : []));
const [runs, rules, edits] = [values.runs, values.rules, values.edits].map(Number);

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-'));
try {
  printTable();
} finally {
  rmSync(folder, { recursive: true });
}

function printTable(): void {
  const loadBefore = loadavg()[0];
  const kinds = Object.keys(EDIT_KINDS) as EditKind[];
  const rows = (Object.keys(RULESETS) as (keyof typeof RULESETS)[]).map((ruleset) => {
    const text = generateRuleset(ruleset, rules, 1).text;
    const before = fileOf('before', text);
    return [RULESETS[ruleset], ...kinds.map((kind) => measured(before, fileOf(kind, edited(text, kind, edits, 1))))];
  });
  const load = `load ${loadBefore.toFixed(1)} before, ${loadavg()[0].toFixed(1)} at the end`;
  const command = ['ipt2bpf diff', ...passed].join(' ');
  console.log(`\`${command}\`, ${rules} rules, ${edits} edits, the least of ${runs}: ${machine()}, ${load}\n`);
  console.log(line(['rules', ...Object.values(EDIT_KINDS)]));
  console.log(line(['---', ...kinds.map(() => '---')]));
  for (const row of rows) console.log(line(row));
}

function measured(before: string, after: string): string {
  const all = Array.from({ length: runs }, () => run(before, after));
  const seconds = Math.min(...all.map((one) => one.seconds));
  const processorSeconds = Math.min(...all.map((one) => one.processorSeconds));
  const mebibytes = Math.min(...all.map((one) => one.mebibytes));
  return `${seconds.toFixed(1)} s, ${processorSeconds.toFixed(1)} s, ${mebibytes.toFixed(0)} MiB`;
}

function run(before: string, after: string): Run {
  const start = performance.now();
  const { status, output, stderr } = spawnSync(
    process.execPath,
    ['--import', TELL_USAGE, COMMAND, 'diff', ...passed, before, after],
    { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
  );
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0 && status !== 1) throw new Error(`exit ${status}: ${stderr}`);
  const [kibibytes, microseconds] = (output[3] ?? '').split(' ').map(Number);
  return { seconds, processorSeconds: microseconds / 1e6, mebibytes: kibibytes / 1024 };
}

function fileOf(name: string, text: string): string {
  const file = join(folder, `${name}.v4`);
  writeFileSync(file, text);
  return file;
}

function machine(): string {
  const all = cpus();
  return `${all[0].model.trim()}, ${all.length} CPUs, Node ${process.version}`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
