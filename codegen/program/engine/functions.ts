import {
  alu64,
  exit,
  goto,
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
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
} from '../../bytecode/instruction.js';
import { LIST } from '../../classify/index.js';
import type { ParamSpec } from '../../object/spec.js';
import { Code } from '../code.js';
import {
  TABLE,
  findRule,
  findRules,
  nextEntry,
  nextHit,
  PLACES_BYTES,
  type LookupShape,
  type ObjectShape,
} from './lookup-shape.js';
import { emitFirst, emitWalk, LOCAL_BYTES } from './lookup-walk.js';
import { nextEntryFunction, nextHitFunction } from './next-hit.js';
import { FINAL } from './segment.js';
import type { FunctionCode } from '../function-code.js';

/** Functions of an object with diagrams. */
export function engineFunctions(shapes: readonly LookupShape[], object: ObjectShape): readonly FunctionCode[] {
  const { size, flowBytes } = object;
  const flow: ParamSpec = { name: 'flow', type: { kind: 'memory', struct: 'flow', bytes: flowBytes } };
  const places: ParamSpec = { name: 'places', type: { kind: 'memory', struct: 'places', bytes: PLACES_BYTES } };
  const place: ParamSpec = { name: 'place', type: { kind: 'memory', struct: 'place', bytes: 4 } };
  const int = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });
  return shapes.flatMap((shape) => [
    ...(shape.final
      ? [
          {
            name: findRule(shape.layout),
            inline: true as const,
            params: [flow, int('root'), int('hit')],
            instructions: findFunction(shape, size, false).finish(),
          },
        ]
      : []),
    ...(shape.groups.length > 0
      ? [
          {
            name: findRules(shape.layout),
            inline: true as const,
            params: [flow, place, int('root'), int('hit')],
            instructions: findFunction(shape, size, true).finish(),
          },
        ]
      : []),
    ...(shape.groups.length > 0 && shape.hits > 1
      ? [
          {
            name: nextEntry(shape.layout),
            params: [flow, int('at'), int('least')],
            instructions: nextEntryFunction(shape, size).finish(),
          },
        ]
      : []),
    ...shape.groups.map((groups) => ({
      name: nextHit(shape.layout, groups),
      params: [flow, places],
      instructions: nextHitFunction(shape, object, groups).finish(),
    })),
  ]);
}

/**
 * `(flow, root, hit) → hit`: down one diagram to the packet's list, and there to the first instance that the packet is inside of; the result is
 * the lesser of its hit (u64 rule << 32 | action) and the one given. Nothing of what is read from the table is known to the
 * verifier, so every offset is compared with the table's size; outside of it nothing is found.
 *
 * `keeping`: `(flow, place, root, hit) → hit`, where rules may go on: the entry that was found becomes the place, too, which is 0 before.
 */
function findFunction(shape: LookupShape, size: number, keeping: boolean): Code {
  const code = new Code();
  const [root, hit] = keeping ? [R3, R4] : [R2, R3];
  code.emit(mov64(R0, reg(hit)), jump64('jne', R1, 0, 'flow'), exit());
  code.place('flow');
  if (keeping) {
    code.emit(jump64('jne', R2, 0, 'there'), exit());
    code.place('there');
    code.emit(store(8, R10, PLACE, R2));
  }
  // r6 = flow, r7 = table, r8 = branch, r9 = branches so far.
  code.emit(mov64(R6, reg(R1)), store(8, R10, GIVEN, hit));
  code.emit(loadDataAddress(R7, TABLE), mov32(R8, reg(root)), mov64(R9, 0));
  emitWalk(code, shape, size);
  code.place('lost');
  // The place is that of no list, as it was.
  code.emit(load(8, R0, R10, GIVEN), exit());
  code.place('found');
  emitFirst(code, shape, size, {
    skip: () => (shape.several ? emitSkip(code, keeping) : undefined),
    matched: (at) => {
      if (keeping) code.emit(alu64('add', R8, at));
      code.emit(goto('hit'));
    },
  });
  code.place('hit');
  if (keeping) code.emit(load(8, R3, R10, PLACE), store(4, R3, 0, R8));
  code.emit(load(8, R1, R1, 0), load(8, R0, R10, GIVEN), jump64('jge', R1, reg(R0), 'out'), mov64(R0, reg(R1)));
  code.place('out');
  code.emit(exit());
  return code;
}

/** Returns the hit that is given where it comes before the first rule of the list at r3, and decides: none behind it is asked for. */
function emitSkip(code: Code, keeping: boolean): void {
  code.emit(load(8, R0, R10, GIVEN), load(4, R2, R3, LIST.first), mov64(R1, reg(R0)), alu64('rsh', R1, 32));
  code.emit(jump64('jle', R2, reg(R1), 'list'));
  if (keeping)
    code.emit(
      mov64(R1, reg(R0)),
      alu64('rsh', R1, Math.log2(FINAL)),
      alu64('and', R1, 1),
      jump64('jeq', R1, 0, 'list'),
    );
  code.emit(exit());
  code.place('list');
}

/** Stack of {@link findFunction}. */
const GIVEN = -8;
const PLACE = -LOCAL_BYTES;
