import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadObject } from '../../../bpf-runtime/kernel/load.js';
import { slots, type Instruction } from '../../../codegen/bytecode/instruction.js';
import { readObject } from '../../../codegen/object/read.js';
import type { FunctionSpec } from '../../../codegen/object/spec.js';
import { compile, type Manifest } from '../../../codegen/program/index.js';
import type { Packet } from '../../../grammar/model/packet.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { evaluate, surroundingsOracle, type Evaluation } from '../../../src/evaluate/index.js';
import { buildPacket } from '../../../src/packet/index.js';
import { reasonNotToLoad } from '../object/bpftool.js';
import { CHAIN_PACKETS, chainTexts, nestedText } from './chain-cases.js';
import { filterText, objectOf, rulesetOf, type Place } from './rulesets.js';
import { RunningObject } from './run-object.js';
import { outlined } from '../../../src/prove/outline.js';

const EXACT: Place = { hook: 'xdp', chain: 'INPUT', reject: 'drop', engine: 'linear' };
const UNOPTIMIZED: Place = { ...EXACT, optimize: false };
const EARLY: Place = { ...EXACT, mode: 'early' };

/** Frames of a call stack (MAX_CALL_FRAMES), functions of a program (BPF_MAX_SUBPROGS), instructions (with privilege). */
const KERNEL = { frames: 8, functions: 256, instructions: 1_000_000 } as const;

const skipped = reasonNotToLoad();
const loads = (what: string): string => `${what}${skipped === undefined ? '' : ` (skipped: ${skipped})`}`;

function load(object: Uint8Array): number {
  const program = loadObject(object);
  program.close();
  return program.info.verifiedInstructions;
}

function functionsOf(object: Uint8Array): readonly FunctionSpec[] {
  const { program } = outlined(readObject(object)).spec;
  return [...program.entries, ...program.functions];
}

/** Frames of the longest chain of calls from the entry on. */
function frames(functions: readonly FunctionSpec[]): number {
  const known = new Map<string, number>();
  const measure = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const called = functions.find((fn) => fn.name === name)?.instructions.flatMap(calledBy) ?? [];
    const height = 1 + Math.max(0, ...called.map(measure));
    known.set(name, height);
    return height;
  };
  return measure(functions[0].name);
}

function calledBy({ reference }: Instruction): readonly string[] {
  return reference?.kind === 'function' ? [reference.name] : [];
}

function judgeWith(
  ruleset: Ruleset,
  packet: Packet,
  ctstate?: 'NEW' | 'ESTABLISHED',
): Evaluation & { kind: 'decided' } {
  const oracle = surroundingsOracle(ctstate === undefined ? {} : { ctstate: [ctstate] }, packet, 'v4');
  const evaluation = evaluate({ ruleset, table: 'filter', chain: 'INPUT', packet, oracle });
  if (evaluation.kind !== 'decided') throw new Error('undecided');
  return evaluation;
}

const dropped = ({
  verdict,
}: {
  verdict: Evaluation extends infer E ? (E extends { verdict: infer V } ? V : never) : never;
}): boolean => verdict !== 'accept';

/** Counters by index, as the reference would have them after one packet. */
function wantedCounts({ counters }: Manifest, { hits, decision }: Evaluation & { kind: 'decided' }): readonly number[] {
  return counters.flatMap((entry, index) => {
    if (entry.kind === 'policy') return decision.by === 'policy' ? [index] : [];
    return hits.some(({ chain, number }) => chain === entry.chain && number === entry.number) ? [index] : [];
  });
}

describe('chains against the reference', () => {
  it('exact: verdict and counters, however deep they nest', () => {
    const met = { drop: 0, accept: 0, hotdrop: 0, deep: 0 };
    fc.assert(
      fc.property(chainTexts(12, false), (text) => {
        const ruleset = rulesetOf(text);
        const { object, manifest } = objectOf(text, EXACT);
        const running = new RunningObject(object);
        expect(frames(functionsOf(object))).toBeLessThanOrEqual(KERNEL.frames);
        for (const packet of CHAIN_PACKETS) {
          running.clear();
          const want = judgeWith(ruleset, packet);
          expect(running.judge(packet.frame)).toBe(dropped(want) ? 'drop' : 'accept');
          expect(running.counted()).toEqual(wantedCounts(manifest, want));
          met[dropped(want) ? 'drop' : 'accept']++;
          if (want.decision.by === 'hotdrop') met.hotdrop++;
          if (want.hits.length > 8) met.deep++;
        }
      }),
      { numRuns: 120 },
    );
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(10);
  });

  it('early: without tests of the state it drops what the exact object drops', () => {
    fc.assert(
      fc.property(chainTexts(12, false), (text) => {
        const ruleset = rulesetOf(text);
        const { object, manifest } = objectOf(text, EARLY);
        const running = new RunningObject(object);
        expect(frames(functionsOf(object))).toBeLessThanOrEqual(KERNEL.frames);
        for (const packet of CHAIN_PACKETS) {
          running.clear();
          const want = judgeWith(ruleset, packet);
          expect(running.judge(packet.frame)).toBe(dropped(want) ? 'drop' : 'accept');
          // It counts what drops, alone.
          const hits = want.decision.by === 'rule' ? want.hits.slice(-1) : [];
          expect(running.counted()).toEqual(dropped(want) ? wantedCounts(manifest, { ...want, hits }) : []);
        }
      }),
      { numRuns: 80 },
    );
  });

  it('early: with tests of the state it drops only what is dropped in every state', () => {
    const met = { dropped: 0, passedThoughDropped: 0 };
    fc.assert(
      fc.property(chainTexts(10, true), (text) => {
        const ruleset = rulesetOf(text);
        const running = new RunningObject(objectOf(text, EARLY).object);
        for (const packet of CHAIN_PACKETS) {
          const states = (['NEW', 'ESTABLISHED'] as const).map((state) => judgeWith(ruleset, packet, state));
          const surely = states.every(dropped);
          const verdict = running.judge(packet.frame);
          if (!surely) expect(verdict).toBe('accept');
          if (verdict === 'drop') met.dropped++;
          else if (surely) met.passedThoughDropped++;
        }
      }),
      { numRuns: 150 },
    );
    expect(met.dropped).toBeGreaterThan(100);
    // What every state drops by another rule may pass; it must be the exception.
    expect(met.passedThoughDropped).toBeLessThan(met.dropped);
  });
});

describe('nesting', () => {
  const depths = Array.from({ length: 12 }, (_, index) => ({ depth: index + 1 }));

  it.each(depths)('$depth jumps deep: RETURN comes back to every level', ({ depth }) => {
    const behind = [
      '-A INPUT -p udp -j DROP',
      ...Array.from({ length: depth }, (_, index) => `-A C${index + 1} -p icmp`),
    ];
    const text = nestedText(depth, ['-p tcp -j DROP', '-p udp -j RETURN', '-j ACCEPT'], behind.slice(0, depth));
    const ruleset = rulesetOf(text);
    const { object, manifest } = objectOf(text, EXACT);
    const running = new RunningObject(object);
    for (const packet of CHAIN_PACKETS) {
      running.clear();
      const want = judgeWith(ruleset, packet);
      expect(running.judge(packet.frame)).toBe(dropped(want) ? 'drop' : 'accept');
      expect(running.counted()).toEqual(wantedCounts(manifest, want));
    }
  });

  it.each(depths)('$depth jumps deep: a function for each chain while the call stack holds them', ({ depth }) => {
    const functions = functionsOf(objectOf(nestedText(depth, ['-j DROP']), UNOPTIMIZED).object);
    const chains = functions.filter(({ name }) => name.startsWith('chain_')).length;
    expect(chains).toBe(Math.min(depth + 1, 7));
    expect(frames(functions)).toBe(Math.min(depth + 2, KERNEL.frames));
  });

  it.each(depths)(
    '$depth jumps deep, early: behind a chain that may have been left it is certain again',
    ({ depth }) => {
      const above = depth === 1 ? 'INPUT' : `C${depth - 1}`;
      const mayReturn = ['-m state --state NEW -j RETURN', '-p icmp'];
      const behind = [
        `-A ${above} -m state --state NEW -j C${depth}`,
        `-A ${above} -p tcp -j DROP`,
        '-A INPUT -j DROP',
      ];
      const text = nestedText(depth, mayReturn, behind);
      const { object, manifest } = objectOf(text, EARLY);
      for (const packet of CHAIN_PACKETS) {
        const running = new RunningObject(object);
        expect(running.judge(packet.frame)).toBe('drop');
        const want = judgeWith(rulesetOf(text), packet, 'ESTABLISHED');
        expect(running.counted()).toEqual(wantedCounts(manifest, { ...want, hits: want.hits.slice(-1) }));
      }
    },
  );

  it.skipIf(skipped !== undefined).each(depths)(loads('$depth jumps deep: loads, exact and early'), ({ depth }) => {
    const last = ['-p tcp -j RETURN', '-s 192.0.2.1/32 -j DROP'];
    const early = ['-p tcp -m conntrack --ctstate NEW -j RETURN', '-s 192.0.2.1/32 -j DROP'];
    expect(load(objectOf(nestedText(depth, last), UNOPTIMIZED).object)).toBeGreaterThan(0);
    expect(load(objectOf(nestedText(depth, early), EARLY).object)).toBeGreaterThan(0);
  });
});

/** A packet from one of many sources. */
function packetFrom(source: number): Uint8Array {
  const ip = { family: 'v4', source: BigInt(source), destination: 0xc0000201n } as const;
  return buildPacket({ ip, transport: { kind: 'udp', sport: 1, dport: 2 } }).frame;
}

const FIRST_SOURCE = 0x0a000001;
const sourceText = (index: number): string => {
  const address = FIRST_SOURCE + index;
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
};

describe('more chains than a program has functions', () => {
  // Two heights: half of the chains jump to another one. The others are too long to be all in one function.
  const COUNT = 300;
  const names = Array.from({ length: COUNT }, (_, index) => `CHAIN${index}`);
  const filler = Array.from({ length: 30 }, (_, index) => `-s 203.0.113.${index}/32 -p udp -j DROP`);
  const text = filterText({
    userChains: names,
    rules: names.flatMap((name, index) => [
      `-A INPUT -s ${sourceText(index)}/32 -j ${name}`,
      ...(index % 2 === 0 ? [`-A ${name} -j ${names[index + 1]}`] : filler.map((rule) => `-A ${name} ${rule}`)),
      `-A ${name} ${index % 6 === 1 ? '-j RETURN' : ''}`,
      `-A ${name} -j ${index % 3 === 0 ? 'DROP' : 'ACCEPT'}`,
    ]),
    policy: 'DROP',
  });

  it('several share one, and each packet still runs the chain it is for', () => {
    const { object, manifest } = objectOf(text, EXACT);
    const functions = functionsOf(object);
    expect(functions.length).toBeLessThan(KERNEL.functions);
    expectVerifiable(functions);
    const running = new RunningObject(object);
    const ruleset = rulesetOf(text);
    for (let index = 0; index < COUNT; index += 7) {
      running.clear();
      const frame = packetFrom(FIRST_SOURCE + index);
      const want = judgeWith(ruleset, { frame, inInterface: '', outInterface: '', mark: 0 });
      expect(running.judge(frame)).toBe(dropped(want) ? 'drop' : 'accept');
      expect(running.counted()).toEqual(wantedCounts(manifest, want));
    }
  });

  it.skipIf(skipped !== undefined)(loads('loads'), () => {
    expect(load(objectOf(text, EXACT).object)).toBeGreaterThan(0);
    expect(load(objectOf(text, EARLY).object)).toBeGreaterThan(0);
  });
});

describe('a chain of 20,000 rules', () => {
  const COUNT = 20_000;
  const rules = Array.from({ length: COUNT }, (_, index) => `-A INPUT -s ${sourceText(index)}/32 -p udp -j DROP`);
  const { object, manifest } = objectOf(filterText({ rules }), EXACT);
  const parts = functionsOf(object).filter(({ name }) => name.startsWith('chain_'));

  it('is cut into functions within the reach of a jump and the verifier’s pending branches', () => {
    expect(parts.length).toBeGreaterThan(1);
    expectVerifiable(parts);
    expect(frames(parts)).toBe(1);
  });

  it('decides in every part: first and last rules, those at the cuts, and the policy behind all', () => {
    const running = new RunningObject(object, { maxInstructions: 10_000_000 });
    const firstOfPart = parts.map(({ instructions }) => Math.min(...instructions.flatMap(ruleLine)) - FIRST_LINE);
    const indices = new Set(firstOfPart.flatMap((index) => [index - 1, index, index + 1]).concat(COUNT - 1));
    expect(indices.size).toBeGreaterThan(3);
    for (const index of [...indices].filter((one) => one >= 0)) {
      running.clear();
      expect(running.judge(packetFrom(FIRST_SOURCE + index))).toBe('drop');
      expect(running.counted()).toEqual([index]);
    }
    running.clear();
    expect(running.judge(packetFrom(FIRST_SOURCE + COUNT))).toBe('accept');
    expect(running.counted()).toEqual([COUNT]);
    expect(manifest.counters[COUNT]).toMatchObject({ kind: 'policy' });
  });

  it.skipIf(skipped !== undefined)(loads('loads, and the verifier goes over each instruction about once'), () => {
    const emitted = functionsOf(object).reduce((sum, { instructions }) => sum + instructions.length, 0);
    expect(load(object)).toBeLessThan(emitted * 1.5);
  });
});

describe('a chain of rules that count, some of which decide', () => {
  // The kernel puts several instructions in the place of each look-up, and rules that decide jump to the function's end.
  const rules = Array.from(
    { length: 1_600 },
    (_, i) => `-A INPUT${i % 20 === 19 ? ` -s ${sourceText(i)}/32 -j DROP` : ''}`,
  );

  it.skipIf(skipped !== undefined)(loads('loads'), () => {
    expect(load(objectOf(filterText({ rules }), EXACT).object)).toBeGreaterThan(0);
  });
});

describe('a chain of rules with many jumps each', () => {
  const ports = Array.from({ length: 15 }, (_, index) => 100 + 2 * index).join(',');
  const rules = Array.from(
    { length: 2_000 },
    (_, index) => `-A INPUT -s ${sourceText(index)}/32 -p udp -m multiport --dports ${ports}`,
  );
  const { object } = objectOf(filterText({ rules }), EXACT);

  it('is cut before the verifier would keep too many branches', () => {
    expectVerifiable(functionsOf(object));
  });

  it.skipIf(skipped !== undefined)(loads('loads'), () => {
    expect(load(object)).toBeGreaterThan(0);
  });
});

/** Jumps of 16 bits; pending branches of the verifier (BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
function expectVerifiable(functions: readonly FunctionSpec[]): void {
  for (const { instructions } of functions) {
    expect(instructions.reduce((sum, one) => sum + slots(one), 0)).toBeLessThan(0x7fff);
    expect(instructions.filter(isConditional).length).toBeLessThan(8192);
  }
}

/** Line of the first rule in {@link filterText} without user chains. */
const FIRST_LINE = 5;
const ruleLine = ({ line }: Instruction): readonly number[] =>
  line?.text.startsWith('-A') === true ? [line.line] : [];

/** Classes JMP and JMP32, but not goto, call and exit. */
function isConditional({ opcode }: Instruction): boolean {
  const operation = opcode & 0xf0;
  return (
    ((opcode & 0x07) === 0x05 || (opcode & 0x07) === 0x06) &&
    operation !== 0 &&
    operation !== 0x80 &&
    operation !== 0x90
  );
}

describe('what is too large', () => {
  const limits = (count: number): string => '-m limit --limit 1/sec '.repeat(count);
  it.each([
    {
      name: 'more than a million instructions',
      text: filterText({ rules: new Array<string>(1200).fill(`-A INPUT ${limits(4)}-j ACCEPT`) }),
      why: '',
    },
    {
      name: 'a chain that must be inlined and is no function’s size',
      text: nestedText(8, new Array<string>(60).fill(`${limits(4)}-j ACCEPT`)),
      why: '; chains that lead to rule 1 of chain C8 cannot be judged once for all jumps to them, as that rule may do something else each time',
    },
  ])('is refused by name: $name', ({ text, why }) => {
    expect(compile(rulesetOf(text), EXACT)).toMatchObject({
      ok: false,
      diagnostics: [
        { code: 'too-large', severity: 'error', message: `chain INPUT is larger than one eBPF program can be${why}` },
      ],
    });
  });

  it('is not the same chain where it is a function', () => {
    expect(compile(rulesetOf(nestedText(2, new Array<string>(60).fill(`${limits(4)}-j ACCEPT`))), EXACT).ok).toBe(true);
  });
});
