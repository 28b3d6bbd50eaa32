import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { exit, load, mov64, R0, R1, R6, R7, jump64, reg } from '../../../codegen/bytecode/instruction.js';
import type { FunctionSpec } from '../../../codegen/object/spec.js';
import { Code } from '../../../codegen/program/code.js';
import { FLOW_LENGTH, layoutFlow } from '../../../codegen/program/flow.js';
import { memoryFields, MemoryTests } from '../../../codegen/program/memory-tests.js';
import { opaque, type Opaque } from '../../../grammar/model/condition.js';
import type { Family } from '../../../grammar/model/family.js';
import { FIELDS, fieldBits, type Field } from '../../../grammar/model/fields.js';
import { changedRule, type Ruleset } from '../../../grammar/model/ruleset.js';
import { objectSpec } from '../../bpf-runtime/interpreter/support.js';
import { rulesetOf } from './rulesets.js';

/** A ruleset whose one rule has these tests. */
export function rulesetWith(family: Family, tests: readonly Opaque[]): Ruleset {
  const empty = rulesetOf('*filter\n:INPUT ACCEPT\n-A INPUT\nCOMMIT\n', family);
  const matches = tests.map((test) => ({ name: test.name, words: [], condition: opaque(test) }));
  return {
    ...empty,
    tables: empty.tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => ({
        ...chain,
        rules: chain.rules.map((rule) => changedRule(rule, { matches })),
      })),
    })),
  };
}

export interface HostOptions {
  readonly family: Family;
  readonly hz: number;
  readonly recentEntries?: number;
}

/** The code of tests with memory, and a program that runs the one it is asked for on a struct flow. */
export class FunctionHost {
  readonly clock: { nanoseconds: bigint; hz: number };
  private readonly program: Interpreter;
  private readonly layout;

  constructor(
    tests: readonly Opaque[],
    private readonly options: HostOptions,
  ) {
    const { family, hz, recentEntries = 100 } = options;
    this.clock = { nanoseconds: 0n, hz };
    const ruleset = rulesetWith(family, tests);
    const [rule] = ruleset.tables[0].chains[0].rules;
    const memory = new MemoryTests(ruleset, hz, recentEntries);
    const used = new Set(tests.flatMap((test) => memoryFields(test, family)));
    this.layout = layoutFlow(used, family);
    const { bytes } = this.layout;
    const code = new Code();
    const labels = tests.map((_, index) => code.label(`test${index}`));
    code.emit(mov64(R6, reg(R1)), load(4, R7, R1, bytes));
    labels.slice(1).forEach((label, index) => code.emit(jump64('jeq', R7, index + 1, label)));
    tests.forEach((test, index) => {
      code.place(labels[index]);
      const place = { rule: { chain: 'INPUT', number: 1, id: 0, rule, condition: opaque(test) }, ordinal: index };
      const where = { ifTrue: 'yes', ifFalse: 'no', hotdrop: 'dropped' };
      memory.emit(code, test, { ...place, flow: R6, layout: this.layout, forwarded: false, ...where });
    });
    for (const [label, result] of [
      ['yes', 1],
      ['no', 0],
      ['dropped', 2],
    ] as const) {
      code.place(label);
      code.emit(mov64(R0, result), exit());
    }
    const flow = { name: 'flow', type: { kind: 'memory', struct: 'flow', bytes } } as const;
    const functions = new Map(
      memory
        .functions(tests, this.layout, flow)
        .map((one): [string, FunctionSpec] => [
          one.name,
          { ...one, linkage: 'global', instructions: assemble(one.name, one.instructions) },
        ]),
    );
    const entry = assemble('entry', code.finish());
    const spec = objectSpec('tc', entry, { maps: memory.maps(), functions: [...functions.values()] });
    this.program = new Interpreter(spec, { clock: this.clock, type: 'memory' });
  }

  /** Sets the clock: the jiffy has just begun, counted from the machine's start. */
  advanceTo(jiffies: bigint): void {
    const hz = BigInt(this.clock.hz);
    this.clock.nanoseconds = (jiffies * 1_000_000_000n + hz - 1n) / hz;
  }

  /** jiffies_64 as the kernel has it then. */
  jiffies(sinceStart: bigint): bigint {
    return BigInt.asUintN(32, -300n * BigInt(this.clock.hz)) + sinceStart;
  }

  /** Asks test number `index`; undefined where the packet is dropped at once. */
  ask(index: number, fields: Readonly<Partial<Record<Field, bigint>>>, length = 0): boolean | undefined {
    const { bytes, offsets } = this.layout;
    const memory = new Uint8Array(bytes + 8);
    const view = new DataView(memory.buffer);
    view.setUint32(FLOW_LENGTH, length, true);
    view.setUint32(bytes, index, true);
    for (const field of Object.keys(FIELDS) as Field[]) {
      const at = offsets.get(field);
      if (at !== undefined) put(view, at, fieldBits(field, this.options.family), fields[field] ?? 0n);
    }
    const { result } = this.program.runOnMemory(memory);
    return result === 2n ? undefined : result === 1n;
  }
}

function put(view: DataView, at: number, bits: number, value: bigint): void {
  if (bits <= 8) view.setUint8(at, Number(value));
  else if (bits <= 16) view.setUint16(at, Number(value), true);
  else if (bits <= 32) view.setUint32(at, Number(value), true);
  else
    for (let i = 0; i < bits / 64; i++)
      view.setBigUint64(at + 8 * i, (value >> BigInt(bits - 64 * (i + 1))) & 0xffffffffffffffffn, true);
}
