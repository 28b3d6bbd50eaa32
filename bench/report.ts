import type { Measurement, Where } from './case.js';
import { median, quantile, quietOnes } from './statistics.js';

export interface Failure {
  readonly where: Where;
  readonly kind: string;
  readonly rules: number;
  readonly why: string;
}

export interface Report {
  readonly measurements: readonly Measurement[];
  readonly failures: readonly Failure[];
  readonly machine: { readonly cpu: string; readonly cpus: number; readonly kernel: string; readonly iptables: string };
  readonly date: Date;
  /** How long all of it took. */
  readonly minutes: number;
  /** Mean number of processes that ran or waited in the last five minutes: 1 is this run alone. */
  readonly load: string;
}

const round = (value: number): string => (value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en'));

/** docs/performance.md. */
export function reportMarkdown({ measurements, failures, machine, date, minutes, load }: Report): string {
  const alone = measurements.filter(({ where }) => where === 'xdp' || where === 'tc');
  const stack = measurements.filter(({ where }) => where !== 'xdp' && where !== 'tc');
  const objects = measurements.filter(({ where }) => where === 'xdp');
  return [
    '# Performance',
    '',
    `Written by \`npm run bench\` on ${date.toISOString().slice(0, 10)}: ${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel},`,
    `${machine.iptables}. How the objects find a packet's rules is told in [classification](classification.md).`,
    '',
    "The rulesets are drawn by `bench/generate.ts`: `acl`, `fw` and `ipc` have the shapes of ClassBench's seeds of these names, `mixed` is a third of each",
    'with flags, lengths, a chain for each protocol and rules that only count; `blocklist` is addresses. Packets go round the rules: 4,096 of them, drawn evenly from all',
    'rules, one in 16 from all packets there are (of dumps: directed at their rules, as `verify` draws them); each run of a program sees the next one. Times are medians of samples of 20,000 packets (at XDP and tc 41 of each of 5 loadings, as the pages of a table matter; else 11, fewer packets where they take more than 0.2 s), with the middle half of',
    'the samples in brackets; the floor is measured in turns with the program, in the same run. Other work on the machine makes times longer, never shorter:',
    `the load was ${load} at the end of this run of ${Math.ceil(minutes)} minutes, where the run alone makes 1.`,
    '',
    '## The program by itself',
    '',
    "A test run (`BPF_PROG_TEST_RUN`) of the object's program with parsing, counting and verdict. The floor is an empty program of the same type in the same harness.",
    `The floor behind each sample tells how busy the machine's neighbours were. "Quiet" is the median of the samples whose floor is within ${QUIET_PERCENT} % of the hook's lowest one, above these floors, where there`,
    `are ${LEAST_QUIET} of them; the ratio in brackets is of these.`,
    '',
    '![ns above the floor by number of rules](performance-xdp.svg)',
    '',
    ...table(
      ['hook', 'kind', 'rules', 'chain', 'engine', 'ns', 'floor', 'above the floor', 'quiet', 'ratio to 10 rules'],
      alone.map((one) => [
        one.where,
        one.kind,
        one.rules.toLocaleString('en'),
        `${one.compiled?.chain ?? ''}${one.compiled?.mode === 'early' ? ' (early)' : ''}`,
        one.compiled?.engines ?? '',
        spread(one.samples),
        spread(one.floor),
        round(median(one.samples) - median(one.floor)),
        quiet(one, alone),
        ratio(one, alone),
      ]),
    ),
    '',
    '## At the INPUT hook',
    '',
    'Frames that an XDP program passes go up the stack of a network namespace where every address is local, to the INPUT hook; a table behind table filter drops',
    'what is left. The floor is the same namespace without a filter; with ours it is measured in turns, as is an empty program of its type. `nft-translated` is what `iptables-restore-translate` makes of the rules.',
    '',
    '![ns above the floor by number of rules](performance-input.svg)',
    '',
    ...table(
      ['filter', 'kind', 'rules', 'ns', 'floor', 'above the floor'],
      stack.flatMap((one) => [
        ...(one.empty === undefined ? [] : [stackRow('an empty netfilter program', one, one.empty)]),
        stackRow(one.where === 'ours' ? 'ipt2bpf, netfilter' : one.where, one, one.samples),
      ]),
    ),
    '',
    '## Compiling and loading (XDP)',
    '',
    'Peak memory is that of the whole process. Values of per-CPU maps are counted once.',
    '',
    ...table(
      [
        'kind',
        'rules',
        'parse ms',
        'compile ms',
        'load ms',
        'processed instructions',
        'machine code bytes',
        'map bytes',
        'object bytes',
        'peak MiB',
      ],
      objects.flatMap(({ kind, rules, compiled }) =>
        compiled === undefined
          ? []
          : [
              [
                kind,
                rules.toLocaleString('en'),
                round(compiled.parseMs),
                round(compiled.compileMs),
                round(compiled.loadMs),
                compiled.processed.toLocaleString('en'),
                compiled.machineBytes.toLocaleString('en'),
                compiled.mapBytes.toLocaleString('en'),
                compiled.objectBytes.toLocaleString('en'),
                round(compiled.peakMiB),
              ],
            ],
      ),
    ),
    ...(failures.length === 0
      ? []
      : [
          '',
          '## Not measured',
          '',
          ...failures.map(({ where, kind, rules, why }) =>
            rules === 0
              ? `- ${kind}: ${why}`
              : `- ${where}, ${kind}, ${rules.toLocaleString('en')} rules: ${why.slice(0, 200)}`,
          ),
        ]),
    '',
  ].join('\n');
}

function stackRow(name: string, { kind, rules, floor }: Measurement, samples: readonly number[]): readonly string[] {
  const above = round(median(samples) - median(floor));
  return [name, kind, rules.toLocaleString('en'), spread(samples), spread(floor), above];
}

function spread(samples: readonly number[]): string {
  return `${round(median(samples))} (${round(quantile(samples, 0.25))}–${round(quantile(samples, 0.75))})`;
}

/** In percent: how much higher than the hook's lowest floor a quiet one may be. */
const QUIET_PERCENT = 10;
const LEAST_QUIET = 11;

function quietOf(one: Measurement, all: readonly Measurement[]): ReturnType<typeof quietOnes> {
  const floors = all.filter(({ where }) => where === one.where).flatMap(({ floor }) => floor);
  const lowest = floors.reduce((least, floor) => Math.min(least, floor), Infinity);
  return quietOnes(one.samples, one.floor, { lowest, share: QUIET_PERCENT / 100, least: LEAST_QUIET });
}

function quiet(one: Measurement, all: readonly Measurement[]): string {
  const found = quietOf(one, all);
  return found === undefined ? '' : round(median(found.samples) - median(found.floor));
}

function ratio(one: Measurement, all: readonly Measurement[]): string {
  const ten = all.find(({ where, kind, rules }) => where === one.where && kind === one.kind && rules === 10);
  if (ten === undefined) return '';
  const [mine, tens] = [quietOf(one, all), quietOf(ten, all)];
  const times = (a: readonly number[], b: readonly number[]): string => (median(a) / median(b)).toFixed(1);
  const inQuiet = mine === undefined || tens === undefined ? '' : ` (${times(mine.samples, tens.samples)})`;
  return `${times(one.samples, ten.samples)}${inQuiet}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
