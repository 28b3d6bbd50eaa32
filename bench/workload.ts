import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../codegen/program/index.js';
import type { Hook, Mode } from '../codegen/program/manifest.js';
import { parseDump } from '../grammar/index.js';
import { generatePackets } from '../src/verify/generate.js';
import { generateFrames } from './frames.js';
import { generateRuleset, KINDS, type Kind } from './generate.js';
import { ROUND } from './varying.js';

/** Rules to be measured, and {@link ROUND} frames of one length that go round them. */
export interface Workload {
  readonly text: string;
  readonly frames: readonly Uint8Array[];
  readonly chain: 'INPUT' | 'FORWARD';
  readonly mode: Mode;
}

const SEED = 1;
/** Bytes of every frame of a dump's packets; longer packets are left out. */
const FRAME = 128;
const DUMP = /\.v4$/;

/** `kind`: one of {@link KINDS}, or the name of a dump in the folder `dumps` of IPT2BPF_SHARED. */
export function workloadOf(kind: string, count: number, hook: Hook): Workload {
  const generated = KINDS.find((one): one is Kind => one === kind);
  if (generated === undefined) return dumpWorkload(kind, hook);
  const { text, rules } = generateRuleset(generated, count, SEED);
  return { text, frames: generateFrames(rules, ROUND, SEED), chain: 'INPUT', mode: 'exact' };
}

/** The largest dumps of IPv4, by their rules; none where IPT2BPF_SHARED is not set. */
export function largestDumps(most: number): readonly { readonly name: string; readonly rules: number }[] {
  const shared = process.env.IPT2BPF_SHARED;
  if (shared === undefined || shared === '') return [];
  return readdirSync(join(shared, 'dumps'))
    .filter((name) => DUMP.test(name))
    .map((name) => ({ name, rules: rulesIn(readFileSync(join(shared, 'dumps', name), 'utf8')) }))
    .sort((a, b) => b.rules - a.rules)
    .slice(0, most);
}

const rulesIn = (text: string): number => text.split('\n').filter((line) => /^(\[\d+:\d+\] )?-A /.test(line)).length;

/** The chain that leads to most rules; early where it is not exact at the hook. */
function dumpWorkload(name: string, hook: Hook): Workload {
  const text = readFileSync(join(process.env.IPT2BPF_SHARED ?? '', 'dumps', name), 'utf8');
  const { ruleset } = parseDump(text, { family: 'v4' });
  const candidates = (['INPUT', 'FORWARD'] as const).flatMap((chain) =>
    (['exact', 'early'] as const).slice(0, hook === 'netfilter' ? 1 : 2).flatMap((mode) => {
      const result = compile(ruleset, { hook, chain, mode, engine: 'linear', source: '' });
      return result.ok ? [{ chain, mode, rules: result.manifest.counters.length }] : [];
    }),
  );
  const [best] = candidates.sort((a, b) => b.rules - a.rules);
  if (best === undefined) throw new Error(`${name} is refused`);
  const packets = generatePackets(ruleset, { table: 'filter', chain: best.chain, count: 2 * ROUND, seed: SEED });
  const short = packets.map(({ frame }) => frame).filter(({ length }) => length <= FRAME);
  const frames = Array.from({ length: ROUND }, (_, i) => {
    const frame = new Uint8Array(FRAME);
    frame.set(short[i % short.length]);
    return frame;
  });
  return { text, frames, chain: best.chain, mode: best.mode };
}
