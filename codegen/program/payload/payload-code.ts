import {
  alu64,
  callHelper,
  exit,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  reg,
  store,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { FLOW_L3, FLOW_LENGTH, FLOW_THOFF } from '../flow.js';
import type { Hook } from '../manifest.js';
import { emitDynptr, START_NET } from '../netfilter/packet.js';
import { NF_CONTEXT } from '../netfilter/structs.js';
import { PAYLOAD } from './answer.js';

/** Stack of a payload function, offsets from r10. At netfilter the first 16 bytes are a dynptr. */
const DYNPTR = -16;
/** At sockets the same bytes hold what a second attempt to read needs. */
const OFFSET = -8;
const BYTES = -16;
/** 24 bytes for what is read of the packet. */
export const BUFFER = -40;
/** Steps that are left in a loop. */
export const STEPS = -48;
/** Free for a function's own slots from here down. */
export const OWN = -48;

type Place = number | { readonly reg: number };

/** Names of the places where a payload function ends. */
export const ENDS = { no: 'no', yes: 'yes', hotdrop: 'hotdrop', dropping: 'dropping', unknown: 'unknown' } as const;
const ANSWERS = {
  no: PAYLOAD.NO,
  yes: PAYLOAD.YES,
  hotdrop: PAYLOAD.HOTDROP,
  dropping: PAYLOAD.DROPPING,
  unknown: PAYLOAD.UNKNOWN,
} as const;

/**
 * Collects a payload function `(ctx, flow) → answer`. r6 = context, r7 = flow; r8 and r9 are the test's own. The packet
 * is read by a helper, byte by byte where need be: it may be in pieces, and the verifier needs no bounds.
 */
export class PayloadCode {
  readonly code = new Code();

  /** `keep` saves a further argument (r3) before it is lost. */
  constructor(
    readonly hook: Hook,
    keep?: (code: Code) => void,
  ) {
    const given = this.code.label('given');
    this.code.emit(jump64('jne', R2, 0, given), mov64(R0, PAYLOAD.NO), exit());
    this.code.place(given);
    this.code.emit(mov64(R6, reg(R1)));
    keep?.(this.code);
    if (hook === 'netfilter') {
      this.code.emit(mov64(R8, reg(R2)), load(8, R7, R1, NF_CONTEXT.skb));
      emitDynptr(this.code, R7, DYNPTR, ENDS.unknown);
      this.code.emit(mov64(R7, reg(R8)));
    } else {
      this.code.emit(mov64(R7, reg(R2)));
    }
  }

  /**
   * Copies bytes at `from` (an offset from the IP header: a number or a register other than r1–r4) to the stack; goes
   * to `short` where the packet ends before. Clobbers r0–r5.
   */
  read(from: Place, bytes: number, short: string, to: number = BUFFER): void {
    const { code } = this;
    code.emit(mov64(R2, from), mov64(R3, reg(R2)), alu64('add', R3, bytes));
    code.emit(load(4, R1, R7, FLOW_LENGTH), jump64('jgt', R3, reg(R1), short));
    if (this.hook === 'netfilter') {
      this.readDynptr(from, bytes, short, to);
      return;
    }
    code.emit(mov64(R4, bytes));
    this.emitLoad(to, short);
  }

  /** The same for as many bytes as a register says, of which the verifier knows bounds above 0. Not checked for the end. */
  readSome(from: { readonly reg: number }, bytes: { readonly reg: number }, short: string, to: number): void {
    const { code } = this;
    if (this.hook === 'netfilter') {
      this.readDynptr(from, bytes, short, to);
      return;
    }
    code.emit(mov64(R4, bytes), mov64(R2, from));
    this.emitLoad(to, short);
  }

  private readDynptr(from: Place, bytes: Place, short: string, to: number): void {
    const { code } = this;
    code.emit(mov64(R4, from), mov64(R2, bytes), mov64(R1, reg(R10)), alu64('add', R1, to));
    code.emit(mov64(R3, reg(R10)), alu64('add', R3, DYNPTR), mov64(R5, 0));
    code.emit(callHelper('dynptr_read'), jump64('jne', R0, 0, short));
  }

  /** r2 = offset from the IP header, r4 = bytes. */
  private emitLoad(to: number, short: string): void {
    const { code } = this;
    const done = code.label('loaded');
    if (this.hook === 'socket') {
      // A socket's filter gets the packet from its transport header on; what is before lies in the linear part.
      code.emit(store(8, R10, OFFSET, R2), store(8, R10, BYTES, R4), mov64(R1, reg(R6)), mov64(R3, reg(R10)));
      code.emit(alu64('add', R3, to), mov64(R5, START_NET), callHelper('skb_load_bytes_relative'));
      code.emit(jump64('jeq', R0, 0, done), load(8, R2, R10, OFFSET), load(8, R4, R10, BYTES));
    }
    code.emit(load(4, R1, R7, FLOW_L3), alu64('add', R2, reg(R1)), mov64(R1, reg(R6)));
    code.emit(mov64(R3, reg(R10)), alu64('add', R3, to));
    code.emit(callHelper(this.hook === 'xdp' ? 'xdp_load_bytes' : 'skb_load_bytes'), jump64('jne', R0, 0, short));
    code.place(done);
  }

  /** dst = offset of the transport header. */
  transport(dst: number): void {
    this.code.emit(load(4, dst, R7, FLOW_THOFF));
  }

  /** dst = length of the packet. */
  length(dst: number): void {
    this.code.emit(load(4, dst, R7, FLOW_LENGTH));
  }

  /** A number that the verifier does not know: what is done with it makes no states of their own. Clobbers r1. */
  hide(dst: number): void {
    const { code } = this;
    code.emit(load(8, R1, R7, FLOW_LENGTH), load(8, dst, R7, FLOW_LENGTH), alu64('xor', dst, reg(R1)));
  }

  /** Makes the verifier forget what it knows of a register: the ways that led here become one state. Clobbers r1, r2. */
  forget(register: number): void {
    const { code } = this;
    code.emit(load(8, R1, R7, FLOW_LENGTH), load(8, R2, R7, FLOW_LENGTH), alu64('xor', R1, reg(R2)));
    code.emit(alu64('add', register, reg(R1)));
  }

  /**
   * Makes the verifier forget which bytes of the buffer's first word were read into: a whole word is written over them,
   * of any register that holds a number. Older verifiers (6.2) follow each way through a loop without it.
   */
  forgetBuffer(register: number): void {
    this.code.emit(store(8, R10, BUFFER, register));
  }

  /** Starts a loop of at most `steps` rounds, which begins at the label returned and then leads to `exhausted`. Clobbers r1. */
  loop(steps: number, exhausted: string = ENDS.unknown): string {
    // Through a register: older kernels forget a constant that is stored as an immediate, and with it the loop's end.
    this.code.emit(mov64(R1, steps + 1), store(8, R10, STEPS, R1));
    return this.round(exhausted);
  }

  /** One more round of the loop that was started last, at a place of its own. */
  round(exhausted: string = ENDS.unknown): string {
    const { code } = this;
    const label = code.label('loop');
    code.place(label);
    code.emit(load(8, R1, R10, STEPS), alu64('sub', R1, 1), store(8, R10, STEPS, R1));
    code.emit(jump64('jeq', R1, 0, exhausted));
    return label;
  }

  /** The function, with the places where it ends. */
  finish(): Code {
    const { code } = this;
    for (const [name, label] of Object.entries(ENDS)) {
      code.place(label);
      code.emit(mov64(R0, ANSWERS[name as keyof typeof ANSWERS]), exit());
    }
    return code;
  }
}
