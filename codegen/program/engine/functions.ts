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
  const int = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });
  return [
    { name: WALK, params: [flow, int('root')], instructions: walkFunction(shape, flowBytes).finish() },
    ...shape.groups.map((groups) => ({
      name: nextHit(groups),
      params: [flow, places],
      instructions: nextHitFunction(shape, groups).finish(),
    })),
  ];
}

/**
 * `(flow, root) → byte offset of the packet's list of hits`: down one diagram. Nothing of what is read from the table is
 * known to the verifier, so every offset is compared with the table's size; outside of it a list without hits is found.
 */
function walkFunction({ size, depth, levels }: TableShape, flowBytes: number): Code {
  const code = new Code();
  // The smallest branch is of 24 bytes; its words from 8 on are looked at.
  const lastEntry = size - BRANCH.entries - 4;
  code.emit(mov64(R0, 0), jump64('jne', R1, 0, 'there'), exit());
  code.place('there');
  // r6 = flow, r7 = table, r8 = branch, r9 = branches so far.
  code.emit(mov64(R6, reg(R1)), loadDataAddress(R7, TABLE), mov32(R8, reg(R2)), mov64(R9, 0));
  code.emit(jump32('jset', R8, LEAF | 0, 'found'));
  code.place('branch');
  code.emit(jump64('jgt', R8, lastEntry, 'lost'), mov64(R5, reg(R7)), alu64('add', R5, reg(R8)));
  code.emit(load(2, R1, R5, BRANCH.offset), jump64('jgt', R1, flowBytes - 4, 'lost'));
  code.emit(mov64(R0, reg(R6)), alu64('add', R0, reg(R1)), load(4, R0, R0, 0));
  code.emit(load(1, R1, R5, BRANCH.shift), alu32('rsh', R0, reg(R1)), load(4, R1, R5, BRANCH.mask));
  // r0 = value, r5 = levels, r4 = entry, r3 = level.
  code.emit(alu32('and', R0, reg(R1)), load(1, R5, R5, BRANCH.levels), mov64(R4, 1), mov64(R3, 0));
  const entry = (): void => {
    code.emit(mov64(R1, reg(R4)), alu64('lsh', R1, 2), alu64('add', R1, reg(R8)));
    code.emit(jump64('jgt', R1, lastEntry, 'lost'), alu64('add', R1, reg(R7)));
  };
  code.place('level');
  code.emit(jump64('jge', R3, reg(R5), 'child'));
  entry();
  // Without a jump: 1 where the value is below the cut.
  code.emit(load(4, R2, R1, BRANCH.entries), mov64(R1, reg(R0)), alu64('sub', R1, reg(R2)), alu64('rsh', R1, 63));
  code.emit(alu64('lsh', R4, 1), alu64('add', R4, 1), alu64('sub', R4, reg(R1)));
  code.emit(alu64('add', R3, 1), jump64('jle', R3, levels, 'level'), goto('lost'));
  code.place('child');
  entry();
  code.emit(load(4, R8, R1, BRANCH.entries), jump32('jset', R8, LEAF | 0, 'found'));
  code.emit(alu64('add', R9, 1), jump64('jle', R9, depth, 'branch'));
  code.place('lost');
  code.emit(mov64(R8, 0));
  code.place('found');
  code.emit(mov32(R0, reg(R8)), alu32('and', R0, ~LEAF), exit());
  return code;
}

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
