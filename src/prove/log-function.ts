import { CLASS, CLASS_MASK, HELPER, JMP_OP, OPERATION_MASK } from '../../codegen/bytecode/instruction.js';
import { FLOW_RULE } from '../../codegen/program/flow.js';
import { EVENTS } from '../../codegen/program/log.js';
import type { LinkedInstruction, PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import type { Code } from './object-code.js';
import { bitsOf, type State } from './state.js';
import { unsupported } from './unprovable.js';
import { numberOf, unknown, word, type Region, type Value } from './value.js';
import type { Words } from './words.js';

const R7 = 7;
const R9 = 9;
const R10 = 10;
/** Where an event is put together (codegen/program/log.ts). */
const EVENT = 'event';

/**
 * Functions that write the event of a LOG rule: `log_event(ctx, flow, rule, most)`. What an event says is not looked at;
 * but the function touches no other map, and writes beside its stack and the event the number of the rule alone.
 */
export class LogFunctions {
  private readonly checked = new Set<number>();

  constructor(
    private readonly code: Code,
    private readonly words: Words,
  ) {}

  /** A call of one, noted as an event of the rule; undefined for other functions. */
  call(placed: PlacedFunction, state: State, flow: Region, context: Region): Value | undefined {
    if (!/(^|_)log_event$/.test(placed.name)) return undefined;
    if (!this.checked.has(placed.start)) this.check(placed);
    const [, ctx, given, rule] = state.registers;
    const isFlow =
      given?.kind === 'pointer' && given.region === flow && given.offset === 0 && given.index === undefined;
    if (!isFlow || ctx?.kind !== 'pointer' || ctx.region !== context) throw unsupported('another event');
    const bits = rule === undefined ? undefined : bitsOf(rule, this.words);
    const number = bits === undefined ? undefined : numberOf(word(bits));
    state.note(`log ${number}`, state.condition, this.words);
    return unknown('what the writing of an event gave');
  }

  private check(placed: PlacedFunction): void {
    let writes = 0;
    for (let at = placed.start; at < placed.end; at++) {
      const linked = this.code.instructions[at];
      if (!isHarmless(linked)) throw unsupported('a function of events that does something else, too');
      const { opcode, imm, src } = linked.instruction;
      const isCall = (opcode & CLASS_MASK) === CLASS.JMP && (opcode & OPERATION_MASK) === JMP_OP.call;
      if (isCall && src === 0 && Number(imm) === HELPER.ringbuf_output) writes++;
    }
    if (writes !== 1) throw unsupported('a function of events that writes none');
    this.checked.add(placed.start);
  }
}

function isHarmless({ instruction, operands }: LinkedInstruction): boolean {
  const { opcode, dst, offset, reference } = instruction;
  if (reference?.kind === 'map' && reference.name !== EVENT && reference.name !== EVENTS) return false;
  const kind = opcode & CLASS_MASK;
  if (kind === CLASS.JMP && (opcode & OPERATION_MASK) === JMP_OP.call) return operands.target < 0;
  if (kind !== CLASS.ST && kind !== CLASS.STX) return true;
  return dst === R10 || dst === R9 || (dst === R7 && offset === FLOW_RULE);
}
