import type { Interpreter } from '../../bpf-runtime/interpreter/index.js';
import { countersTogether } from '../../codegen/program/counters.js';
import type { CounterValues } from './object-machine.js';

/** The map `counters` of an object in the interpreter. */
export class InterpreterCounters {
  constructor(
    private readonly interpreter: Interpreter,
    private readonly entries: number,
  ) {}

  read(): CounterValues {
    const values = new Float64Array(2 * this.entries);
    const each = 2 * countersTogether(this.entries);
    let key = 0;
    this.interpreter.map('counters').forEachValue((view, offset) => {
      for (let i = 0; i < each && key < values.length; i++)
        values[key++] = Number(view.getBigUint64(offset + 8 * i, true));
    });
    return values;
  }
}
