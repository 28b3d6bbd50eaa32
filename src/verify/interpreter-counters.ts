import type { Interpreter } from '../../bpf-runtime/interpreter/index.js';
import type { CounterValues } from './object-machine.js';

/** The map `counters` of an object in the interpreter. */
export class InterpreterCounters {
  constructor(
    private readonly interpreter: Interpreter,
    private readonly entries: number,
  ) {}

  read(): CounterValues {
    const values = new Float64Array(2 * this.entries);
    let key = 0;
    this.interpreter.map('counters').forEachValue((view, offset) => {
      values[key++] = Number(view.getBigUint64(offset, true));
      values[key++] = Number(view.getBigUint64(offset + 8, true));
    });
    return values;
  }
}
