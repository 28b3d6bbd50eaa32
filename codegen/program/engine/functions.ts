import {
  alu32,
  alu64,
  exit,
  goto,
  jump32,
  jump64,
  load,
  loadDataAddress,
  mov32,
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
  R9,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { BRANCH, END, HIT_BYTES, LEAF } from '../../classify/index.js';
import type { FunctionSpec, ParamSpec } from '../../object/spec.js';
import { Code } from '../code.js';
import { emitCount } from '../counters.js';
import { VERDICT } from '../verdict.js';
import { ACTION_MASK, COUNTED, FINAL, MAX_GROUPS, MAX_HITS } from './segment.js';

/** The object's constant data: all diagrams of all its programs. */
export const TABLE = 'diagrams';
export const WALK = 'find_rules';
/** Name of the function that takes the next hit from the lists of so many groups. */
export const nextHit = (groups: number): string => `next_rule_of_${groups}`;
/** Bytes of the places in the lists that {@link nextHit} moves on: a u32 for each group. */
export const PLACES_BYTES = 4 * MAX_GROUPS;

export interface TableShape {
  /** Bytes. */
  readonly size: number;
  /** Most branches on one way, and most levels of one branch. */
  readonly depth: number;
  readonly levels: number;
  /** Numbers of groups that some look-up walks. */
  readonly groups: readonly number[];
}

/** Functions of an object with diagrams. */
export function engineFunctions(shape: TableShape, flowBytes: number): readonly Omit<FunctionSpec, 'linkage'>[] {
  const flow: ParamSpec = { name: 'flow', type: { kind: 'memory', struct: 'flow', bytes: flowBytes } };
  const places: ParamSpec = { name: 'places', type: { kind: 'memory', struct: 'places', bytes: PLACES_BYTES } };
  const place: ParamSpec = { name: 'place', type: { kind: 'memory', struct: 'place', bytes: 4 } };
  const int = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });
  return [
    {
      name: WALK,
      params: [flow, place, int('root'), int('bound')],
      instructions: walkFunction(shape, flowBytes).finish(),
    },
    ...shape.groups.map((groups) => ({
      name: nextHit(groups),
      params: [flow, places],
      instructions: nextHitFunction(shape, groups).finish(),
    })),
  ];
}

/**
 * `(flow, place, root, bound) → bound`: down one diagram to the packet's list of hits, whose byte offset becomes the
 * place; the bound is the first final rule known, this list's or the one given. Nothing of what is read from the table
 * is known to the verifier, so every offset is compared with the table's size; outside of it the place stays as it is.
 */
function walkFunction({ size, depth, levels }: TableShape, flowBytes: number): Code {
  const code = new Code();
  const lastEntry = size - BRANCH.entries - 4;
  code.emit(mov64(R0, reg(R4)), jump64('jne', R1, 0, 'flow'), exit());
  code.place('flow');
  code.emit(jump64('jne', R2, 0, 'there'), exit());
  code.place('there');
  // r6 = flow, r7 = table, r8 = branch, r9 = branches so far.
  code.emit(mov64(R6, reg(R1)), store(8, R10, PLACE, R2), store(8, R10, BOUND, R4));
  code.emit(loadDataAddress(R7, TABLE), mov32(R8, reg(R3)), mov64(R9, 0));
  code.emit(jump32('jset', R8, LEAF | 0, 'found'));
  code.place('branch');
  code.emit(jump64('jgt', R8, lastEntry, 'lost'), mov64(R5, reg(R7)), alu64('add', R5, reg(R8)));
  code.emit(load(2, R1, R5, BRANCH.offset), jump64('jgt', R1, flowBytes - 4, 'lost'));
  code.emit(mov64(R0, reg(R6)), alu64('add', R0, reg(R1)), load(4, R0, R0, 0));
  code.emit(load(1, R1, R5, BRANCH.shift), alu32('rsh', R0, reg(R1)), load(4, R1, R5, BRANCH.mask));
  // r0 = value, r5 = levels, r4 = byte offset of the entry, r3 = level.
  code.emit(alu32('and', R0, reg(R1)), load(1, R5, R5, BRANCH.levels), mov64(R4, 4), mov64(R3, 0));
  const entry = (): void => {
    code.emit(mov64(R1, reg(R8)), alu64('add', R1, reg(R4)));
    code.emit(jump64('jgt', R1, lastEntry, 'lost'), alu64('add', R1, reg(R7)));
  };
  code.emit(jump64('jne', R5, 0, 'level'), alu64('lsh', R0, 2), alu64('add', R4, reg(R0)), goto('child'));
  code.place('level');
  entry();
  // Without a jump: r2 = 4 where the value is below the cut, else 0.
  code.emit(load(4, R1, R1, BRANCH.entries), mov64(R2, reg(R0)), alu64('sub', R2, reg(R1)));
  code.emit(alu64('rsh', R2, 61), alu64('and', R2, 4));
  code.emit(alu64('lsh', R4, 1), alu64('add', R4, 4), alu64('sub', R4, reg(R2)), alu64('add', R3, 1));
  code.emit(jump64('jgt', R3, levels, 'lost'), jump64('jlt', R3, reg(R5), 'level'));
  code.place('child');
  entry();
  code.emit(load(4, R8, R1, BRANCH.entries), jump32('jset', R8, LEAF | 0, 'found'));
  code.emit(alu64('add', R9, 1), jump64('jle', R9, depth, 'branch'));
  code.place('lost');
  code.emit(load(8, R0, R10, BOUND), exit());
  code.place('found');
  code.emit(mov32(R1, reg(R8)), alu32('and', R1, ~LEAF), load(8, R2, R10, PLACE), store(4, R2, 0, R1));
  code.emit(load(8, R0, R10, BOUND), jump64('jgt', R1, size - HIT_BYTES, 'out'), alu64('add', R1, reg(R7)));
  code.emit(load(4, R2, R1, 0), jump32('jset', R2, FINAL, 'final'), goto('out'));
  code.place('final');
  code.emit(load(4, R2, R1, 4), jump64('jge', R2, reg(R0), 'out'), mov64(R0, reg(R2)));
  code.place('out');
  code.emit(exit());
  return code;
}

/** Stack of {@link walkFunction}. */
const PLACE = -8;
const BOUND = -16;

/**
 * `(flow, places) → action`: takes the hits in order of rule, counts those that say so, and returns the first action
 * that is more than counting; 0 at the end of all lists. Hits of one rule in several lists are one. The least of the
 * hits is found without jumps: neither the processor nor the verifier would know which way they go.
 */
function nextHitFunction({ size }: TableShape, groups: number): Code {
  const code = new Code();
  const lastHit = size - HIT_BYTES;
  code.emit(mov64(R0, 0), jump64('jne', R1, 0, 'flow'), exit());
  code.place('flow');
  code.emit(jump64('jne', R2, 0, 'places'), exit());
  code.place('places');
  // r6 = flow, r7 = places, r8 = hit, r9 = its action; r5 = table.
  code.emit(mov64(R6, reg(R1)), mov64(R7, reg(R2)), storeImm(8, R10, STEPS, 0));
  code.place('next');
  code.emit(loadDataAddress(R5, TABLE));
  // r1 = place in the list of the group, to = its hit.
  const hit = (group: number, to: number): void => {
    code.emit(load(4, R1, R7, 4 * group), jump64('jgt', R1, lastHit, 'lost'));
    code.emit(mov64(R2, reg(R5)), alu64('add', R2, reg(R1)), load(8, to, R2, 0));
  };
  hit(0, R8);
  for (let group = 1; group < groups; group++) {
    hit(group, R2);
    // r8 = min(r8, r2): both are positive.
    code.emit(mov64(R3, reg(R2)), alu64('sub', R3, reg(R8)), alu64('arsh', R3, 63));
    code.emit(alu64('xor', R2, reg(R8)), alu64('and', R2, reg(R3)), alu64('xor', R8, reg(R2)));
  }
  code.emit(mov32(R9, reg(R8)), mov64(R1, reg(R8)), alu64('rsh', R1, 32));
  code.emit(mov64(R0, VERDICT.NEXT), jump32('jeq', R1, END, 'out'));
  code.emit(jump32('jset', R9, FINAL, 'advanced'));
  for (let group = 0; group < groups; group++) {
    hit(group, R2);
    // r2 = 8 where the hit is of this group, else 0.
    code.emit(alu64('xor', R2, reg(R8)), mov64(R3, reg(R2)), alu64('neg', R3, 0), alu64('or', R2, reg(R3)));
    code.emit(alu64('rsh', R2, 63), alu64('xor', R2, 1), alu64('lsh', R2, 3));
    code.emit(alu64('add', R1, reg(R2)), store(4, R7, 4 * group, R1));
  }
  code.place('advanced');
  code.emit(jump32('jset', R9, COUNTED | 0, 'count'), goto('counted'));
  code.place('count');
  code.emit(alu64('rsh', R8, 32));
  emitCount(code, reg(R8), R6);
  code.place('counted');
  code.emit(mov32(R0, reg(R9)), alu32('and', R0, ACTION_MASK), jump64('jne', R0, VERDICT.NEXT, 'out'));
  code.emit(load(8, R1, R10, STEPS), alu64('add', R1, 1), store(8, R10, STEPS, R1));
  code.emit(jump64('jle', R1, MAX_HITS, 'next'));
  // Never come to: no list leaves the table, and all of them together are shorter.
  code.place('lost');
  code.emit(mov64(R0, VERDICT.DROP));
  code.place('out');
  code.emit(exit());
  return code;
}

/** Stack of {@link nextHit} below the counters' key. */
const STEPS = -16;
