import {
  aboveFloor,
  aboveNext,
  AT_INPUT,
  BY_ITSELF,
  isAlone,
  type AloneMeasurement,
  type Measurement,
  type Samples,
  type StackMeasurement,
  type Where,
} from './measurement.js';
import { AGAIN_MINUTES, LEAST_QUIET, MOST_AGAIN, QUIET_PERCENT, quietOf } from './quiet.js';
import { median, medianOfDifferences, quantile } from './statistics.js';
import { ROUND, type Order } from './varying.js';

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

const whole = (value: number): string => value.toLocaleString('en');
const round = (value: number): string => (Math.abs(value) < 10 ? value.toFixed(1) : whole(Math.round(value)));

/** docs/performance.md. */
export function reportMarkdown({ measurements, failures, machine, date, minutes, load }: Report): string {
  const alone = measurements.filter(isAlone);
  const stack = measurements.filter((one): one is StackMeasurement => !isAlone(one));
  const objects = alone.filter(({ where }) => where === 'xdp');
  return [
    '# Performance',
    '',
    `Written by \`npm run bench\` on ${date.toISOString().slice(0, 10)}: ${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel},`,
    `${machine.iptables}. How the objects find a packet's rules is told in [classification](classification.md).`,
    '',
    "The rulesets are drawn by `bench/generate.ts`: `acl`, `fw` and `ipc` have the shapes of ClassBench's seeds of these names, `mixed` is a third of each",
    `with flags, lengths, a chain for each protocol and rules that only count; \`blocklist\` is addresses. Packets are ${whole(ROUND)}, drawn evenly from all`,
    'rules, one in 16 from all packets there are (of dumps: directed at their rules, as `verify` draws them); each run of a program sees another one. Times are medians of samples, with the middle half of',
    'the samples in brackets. Where each sample has its floor next to it, by turns, "above the floor" is the median of the differences. Other work on the machine makes times longer, never shorter:',
    `the load was ${load} at the end of this run of ${Math.ceil(minutes)} minutes, where the run alone makes 1.`,
    '',
    '## The program by itself',
    '',
    "A test run (`BPF_PROG_TEST_RUN`) of the object's program with parsing, counting and verdict, in two orders of the same packets:",
    '',
    `- **in turn**: the ${whole(ROUND)} packets again and again, as benchmarks mostly do. A processor learns such an order: it foresees jumps by what came before, and fetches what comes next.`,
    '- **at random**: each packet is drawn anew (a linear congruential generator of period 2^32), so that nothing can be learnt of the order: what traffic without any pattern costs.',
    '',
    'Real traffic lies between: packets of a connection follow each other, connections do not. The floor is an empty program of the same type in the same harness and the same order.',
    `A sample is one call of ${whole(BY_ITSELF.packets)} packets, ${BY_ITSELF.samples} in each order of each of ${BY_ITSELF.loadings} loadings, as the pages of a table matter. Shorter calls would tell longer times at XDP: the kernel changes`,
    'code and waits before each, and what the caches held is lost by then. To fill them again was seen to take 0.2 ms with an empty program and packets at random, and 0.5 to 1 ms with a table of 10,000 rules.',
    `The floor next to each sample tells how busy the machine's neighbours were. "Quiet" is of the samples whose floor is within ${QUIET_PERCENT} % of the hook's lowest one in this order, where there`,
    `are ${LEAST_QUIET} of them; the ratio in brackets is of these. Rows whose median floor was a higher one were measured again at the end, up to ${MOST_AGAIN} times for ${AGAIN_MINUTES} minutes in all: told is the time with the lowest floor,`,
    'whatever came out above it.',
    '',
    '![ns above the floor by number of rules](performance-xdp.svg)',
    '',
    ...table(
      [
        ...['hook', 'kind', 'rules', 'chain', 'engine', 'in turn: ns', 'floor', 'above the floor', 'quiet'],
        ...['ratio to 10 rules', 'at random: above the floor', 'at random: quiet', 'at random: ratio'],
      ],
      alone.map((one) => [
        one.where,
        one.kind,
        whole(one.rules),
        `${one.compiled.chain}${one.compiled.mode === 'early' ? ' (early)' : ''}`,
        one.compiled.engines,
        spread(one.turn.samples),
        spread(one.turn.floor),
        ...(['turn', 'random'] as const).flatMap((order) => [
          round(aboveNext(one[order])),
          quiet(one, order, alone),
          ratio(one, order, alone),
        ]),
      ]),
    ),
    '',
    '## At the INPUT hook',
    '',
    'Frames that an XDP program passes, in turn, go up the stack of a network namespace where every address is local, to the INPUT hook; a table behind table filter drops',
    `what is left. The floor is the same namespace without a filter: with ours, nothing, an empty netfilter program and ours stand there by turns, ${AT_INPUT.samples} times; with others, it is measured before they come`,
    `(${AT_INPUT.samples} samples of it and of iptables-legacy, ${AT_INPUT.samplesOfOthers} of the others). A sample is one call of ${whole(AT_INPUT.packets)} frames, fewer of filters that take more than 0.2 s for them. \`nft-translated\` is what \`iptables-restore-translate\` makes of the rules.`,
    '',
    '![ns above the floor by number of rules](performance-input.svg)',
    '',
    ...table(
      ['filter', 'kind', 'rules', 'ns', 'floor', 'above the floor', 'above an empty program'],
      stack.flatMap(stackRows),
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
      objects.map(({ kind, rules, compiled }) => [
        kind,
        whole(rules),
        round(compiled.parseMs),
        round(compiled.compileMs),
        round(compiled.loadMs),
        whole(compiled.processed),
        whole(compiled.machineBytes),
        whole(compiled.mapBytes),
        whole(compiled.objectBytes),
        round(compiled.peakMiB),
      ]),
    ),
    ...(failures.length === 0
      ? []
      : [
          '',
          '## Not measured',
          '',
          ...failures.map(({ where, kind, rules, why }) =>
            rules === 0 ? `- ${kind}: ${why}` : `- ${where}, ${kind}, ${whole(rules)} rules: ${why.slice(0, 200)}`,
          ),
        ]),
    '',
  ].join('\n');
}

function stackRows(one: StackMeasurement): readonly (readonly string[])[] {
  const { kind, rules, samples, floor } = one;
  const row = (name: string, values: readonly number[], above: number, aboveEmpty: string): readonly string[] => [
    name,
    kind,
    whole(rules),
    spread(values),
    spread(floor),
    round(above),
    aboveEmpty,
  ];
  if (one.where !== 'ours') return [row(one.where, samples, aboveFloor(one), '')];
  const { empty } = one;
  return [
    row('an empty netfilter program', empty, aboveNext({ samples: empty, floor }), ''),
    row('ipt2bpf, netfilter', samples, aboveFloor(one), round(medianOfDifferences(samples, empty))),
  ];
}

function spread(samples: readonly number[]): string {
  return `${round(median(samples))} (${round(quantile(samples, 0.25))}–${round(quantile(samples, 0.75))})`;
}

function quiet(one: AloneMeasurement, order: Order, all: readonly AloneMeasurement[]): string {
  const found = quietOf(one, order, all);
  return found === undefined ? '' : round(aboveNext(found));
}

function ratio(one: AloneMeasurement, order: Order, all: readonly AloneMeasurement[]): string {
  const ten = all.find(({ where, kind, rules }) => where === one.where && kind === one.kind && rules === 10);
  if (ten === undefined) return '';
  const [mine, tens] = [quietOf(one, order, all), quietOf(ten, order, all)];
  const times = (a: Samples, b: Samples): string => (median(a.samples) / median(b.samples)).toFixed(1);
  const inQuiet = mine === undefined || tens === undefined ? '' : ` (${times(mine, tens)})`;
  return `${times(one[order], ten[order])}${inQuiet}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
