/**
 * Measures one ruleset in a process of its own, so that its peak of memory is its own:
 * `node case.js WHERE KIND RULES [ENGINE]`. WHERE is xdp, tc, or who stands at the INPUT hook of a network namespace. Prints JSON.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../codegen/program/index.js';
import type { Engine } from '../codegen/program/manifest.js';
import type { ObjectSpec } from '../codegen/object/spec.js';
import { parseDump } from '../grammar/index.js';
import { attachNetfilter, PRIORITY } from '../bpf-runtime/netfilter/link.js';
import type { LoadedProgram } from '../bpf-runtime/kernel/program.js';
import { loadPrograms } from '../bpf-runtime/kernel/raw-load.js';
import { Testbed } from '../bpf-runtime/system/testbed.js';
import { LiveFrames } from './live-frames.js';
import {
  AT_INPUT,
  BY_ITSELF,
  type AloneMeasurement,
  type Compiled,
  type Measurement,
  type OtherFilter,
  type OtherMeasurement,
  type OursMeasurement,
  type Samples,
  type Where,
} from './measurement.js';
import { median } from './statistics.js';
import { doingNothing, Varying, type Order } from './varying.js';
import { workloadOf, type Workload } from './workload.js';

const WARM_UP = 10_000;
/** Packets of a program that has just been attached that are not counted. */
const TURN_WARM_UP = 2_000;
/** A sample of a filter that takes very long is of fewer packets. */
const SAMPLE_NS = 200_000_000;

const [where, kind, rules, ENGINE = 'auto'] = process.argv.slice(2) as [Where, string, string, Engine | undefined];

/** Compiles as the command line does. */
function compiled({ text, chain, mode }: Workload, hook: 'xdp' | 'tc' | 'netfilter') {
  const started = performance.now();
  const { ruleset } = parseDump(text, { family: 'v4' });
  const parsed = performance.now();
  const result = compile(ruleset, { hook, chain, mode, engine: ENGINE, source: text });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  const done = performance.now();
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  const stretches = result.plans.flatMap((plan) => plan.stretches);
  const engines = [...new Set(stretches.map(({ engine }) => engine))].sort().join(' and ');
  const loading = performance.now();
  const loaded = loadPrograms(result.object);
  const loadMs = performance.now() - loading;
  const [program] = [...loaded.programs.values()];
  const cost: Compiled = {
    chain,
    mode,
    engines,
    work: stretches.map(({ work }) => work),
    parseMs: parsed - started,
    compileMs: done - parsed,
    loadMs,
    processed: program.info.verifiedInstructions,
    machineBytes: program.info.machineBytes,
    mapBytes: mapBytes(result.spec),
    objectBytes: result.object.length,
    peakMiB,
  };
  return { spec: result.spec, loaded, program, cost };
}

/** Values of all maps and the table; per-CPU values once. */
function mapBytes({ maps, data }: ObjectSpec): number {
  return maps.reduce((sum, map) => sum + map.valueSize * map.maxEntries, data?.bytes.length ?? 0);
}

/**
 * The program by itself, with an empty one in turns. Which pages a table lies on decides how much of it a core's caches hold,
 * so the object is loaded several times, each time while the last one still has its pages.
 */
function alone(where: 'xdp' | 'tc', kind: string, count: number): AloneMeasurement {
  const workload = workloadOf(kind, count, where);
  const { frames } = workload;
  const { spec, loaded, cost } = compiled(workload, where);
  loaded.close();
  const empty = new Varying(doingNothing(where), frames);
  const measured: { readonly [order in Order]: Samples[] } = { turn: [], random: [] };
  let last: Varying | undefined;
  for (let loading = 0; loading < BY_ITSELF.loadings; loading++) {
    const program = new Varying(spec, frames);
    last?.close();
    last = program;
    for (const order of ['turn', 'random'] as const) measured[order].push(nextToEach(program, empty, order));
  }
  last?.close();
  empty.close();
  return { where, kind, rules: count, turn: joined(measured.turn), random: joined(measured.random), compiled: cost };
}

function nextToEach(program: Varying, empty: Varying, order: Order): Samples {
  // What a processor learns of an order at tc it still knows at the next call.
  for (const one of [program, empty]) one.measure(BY_ITSELF.packets, order);
  const pairs = Array.from({ length: BY_ITSELF.samples }, () => ({
    sample: program.measure(BY_ITSELF.packets, order),
    floor: empty.measure(BY_ITSELF.packets, order),
  }));
  return { samples: pairs.map(({ sample }) => sample), floor: pairs.map(({ floor }) => floor) };
}

function joined(all: readonly Samples[]): Samples {
  return { samples: all.flatMap(({ samples }) => samples), floor: all.flatMap(({ floor }) => floor) };
}

/**
 * The stack of a network namespace up to its INPUT hook: frames come from XDP, every address is local, and a table
 * behind table filter drops what is left, so that a packet costs the same whatever the verdict is.
 */
function inStack<T>({ frames }: Workload, measure: (live: LiveFrames) => T): T {
  const testbed = Testbed.create({ family: 'v4', chain: 'INPUT', interfaces: ['eth0'] });
  try {
    const { index } = testbed.device('eth0');
    return testbed.run(() => {
      nft('table inet last { chain input { type filter hook input priority 300; policy drop; }; }');
      const live = new LiveFrames(frames, index);
      live.measure(WARM_UP);
      const measured = measure(live);
      live.close();
      return measured;
    });
  } finally {
    testbed.close();
  }
}

function others(filter: OtherFilter, kind: string, count: number): OtherMeasurement {
  const workload = workloadOf(kind, count, 'netfilter');
  const { packets, fewestPackets } = AT_INPUT;
  const length = filter === 'iptables-legacy' ? AT_INPUT.samples : AT_INPUT.samplesOfOthers;
  return inStack(workload, (live) => {
    const floor = Array.from({ length }, () => live.measure(packets));
    const begun = live.measure(fewestPackets);
    installFilter(filter, workload.text);
    const extra = Math.max(0, live.measure(fewestPackets) - begun);
    const fewer = Math.min(packets, Math.max(fewestPackets, Math.ceil(SAMPLE_NS / (median(floor) + extra))));
    const samples = Array.from({ length }, () => live.measure(fewer));
    return { where: filter, kind, rules: count, samples, floor };
  });
}

function ours(kind: string, count: number): OursMeasurement {
  const workload = workloadOf(kind, count, 'netfilter');
  const { loaded, program, cost } = compiled(workload, 'netfilter');
  const nothing = loadPrograms(doingNothing('netfilter'));
  const [empty] = [...nothing.programs.values()];
  const measured = inStack(workload, (live) => inTurns(live, program, empty));
  nothing.close();
  loaded.close();
  return { where: 'ours', kind, rules: count, ...measured, compiled: cost };
}

/** A netfilter program, an empty one, and none, by turns. */
function inTurns(
  live: LiveFrames,
  program: LoadedProgram,
  nothing: LoadedProgram,
): Samples & Pick<OursMeasurement, 'empty'> {
  const samples: number[] = [];
  const floor: number[] = [];
  const empty: number[] = [];
  const measureWith = (one: LoadedProgram, priority: number): number => {
    const link = attachNetfilter(one, { family: 'v4', hook: 'INPUT', priority });
    live.measure(TURN_WARM_UP);
    const ns = live.measure(AT_INPUT.packets);
    link.close();
    return ns;
  };
  for (let i = 0; i < AT_INPUT.samples; i++) {
    floor.push(live.measure(AT_INPUT.packets));
    // The kernel takes a program away a little later: none has the place of one before it.
    empty.push(measureWith(nothing, PRIORITY.filter + 2 * i));
    samples.push(measureWith(program, PRIORITY.filter + 2 * i + 1));
  }
  return { samples, floor, empty };
}

function installFilter(filter: OtherFilter, text: string): void {
  switch (filter) {
    case 'none':
      return;
    case 'iptables-legacy':
      execFileSync('iptables-legacy-restore', [], { input: text });
      return;
    case 'iptables-nft':
      execFileSync('iptables-nft-restore', [], { input: text });
      return;
    case 'nft-translated':
      nft(translated(text));
  }
}

/** The tool wants a file that it can open by its name. */
function translated(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'ipt2bpf-bench-'));
  try {
    const file = join(directory, 'rules.v4');
    writeFileSync(file, text);
    return execFileSync('iptables-restore-translate', ['-f', file], { encoding: 'utf8', maxBuffer: 1 << 30 });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function nft(script: string | Uint8Array): void {
  execFileSync('nft', ['-f', '-'], { input: script });
}

function measure(): Measurement {
  if (where === 'xdp' || where === 'tc') return alone(where, kind, Number(rules));
  return where === 'ours' ? ours(kind, Number(rules)) : others(where, kind, Number(rules));
}

process.stdout.write(`${JSON.stringify(measure())}\n`);
