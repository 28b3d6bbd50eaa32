import type { Opaque } from '../../grammar/model/condition.js';
import {
  alu32,
  alu64,
  atomic,
  ATOMIC_OP,
  callHelper,
  goto,
  jump64,
  lddw,
  load,
  loadMap,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R8,
  R9,
  reg,
  storeImm,
} from '../bytecode/instruction.js';
import type { MapSpec } from '../object/spec.js';
import type { Code } from './code.js';

export const LIMITS = 'limits';

/** Array: key u32 = bucket; value u64: credit + 1 in the low half, jiffies of the last packet in the high half; 0 = never used. */
export function limitsMap(entries: number): MapSpec {
  return { name: LIMITS, type: 'array', keySize: 4, valueSize: 8, maxEntries: entries };
}

/** Units of `average`: 1/10000 s (XT_LIMIT_SCALE). */
const LIMIT_SCALE = 10_000n;
/** Attempts against other CPUs before a packet counts as over the limit. */
const ATTEMPTS = 6;

export interface Bucket {
  /** Credits a jiffy (net/netfilter/xt_limit.c CREDITS_PER_JIFFY). */
  readonly perJiffy: bigint;
  readonly cost: bigint;
  readonly cap: bigint;
}

/** The kernel's arithmetic (xt_limit.c limit_mt_check, user2credits), for a kernel of `hz` jiffies a second. */
export function bucketOf(limit: Extract<Opaque, { name: 'limit' }>, hz: number): Bucket {
  const rate = BigInt(hz);
  const most = 0xffffffffn / (rate * 60n * 60n * 24n);
  let perJiffy = 1n;
  while (perJiffy * 2n <= most) perJiffy *= 2n;
  const credits = (user: bigint): bigint =>
    user > 0xffffffffn / (rate * perJiffy)
      ? (user / LIMIT_SCALE) * rate * perJiffy
      : (user * rate * perJiffy) / LIMIT_SCALE;
  const average = BigInt(limit.average);
  return {
    perJiffy,
    cost: BigInt.asUintN(32, credits(average)),
    cap: BigInt.asUintN(32, credits(BigInt.asUintN(32, average * BigInt(limit.burst)))),
  };
}

/** Takes a token from a bucket (limit_mt). Clobbers r0–r5, r8, r9 and the stack slot at −4. */
export function emitLimit(code: Code, index: number, bucket: Bucket, ifTrue: string, ifFalse: string): void {
  code.emit(storeImm(4, R10, -4, index), loadMap(R1, LIMITS), mov64(R2, reg(R10)), alu64('add', R2, -4));
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, ifFalse), mov64(R8, reg(R0)));
  code.emit(callHelper('jiffies64'), mov32(R9, reg(R0)));
  const settled = code.label('settled');
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const used = code.label('used');
    const credited = code.label('credited');
    const spent = code.label('spent');
    code.emit(load(8, R4, R8, 0), jump64('jne', R4, 0, used), lddw(R1, bucket.cap), goto(credited));
    code.place(used);
    code.emit(mov32(R1, reg(R4)), alu64('sub', R1, 1), mov64(R2, reg(R4)), alu64('rsh', R2, 32));
    code.emit(mov32(R3, reg(R9)), alu32('sub', R3, reg(R2)), alu64('mul', R3, Number(bucket.perJiffy)));
    code.emit(
      alu64('add', R1, reg(R3)),
      lddw(R2, bucket.cap),
      jump64('jle', R1, reg(R2), credited),
      mov64(R1, reg(R2)),
    );
    code.place(credited);
    code.emit(mov64(R5, 0), lddw(R2, bucket.cost), jump64('jlt', R1, reg(R2), spent));
    code.emit(alu64('sub', R1, reg(R2)), mov64(R5, 1));
    code.place(spent);
    code.emit(alu64('add', R1, 1), mov64(R2, reg(R9)), alu64('lsh', R2, 32), alu64('or', R1, reg(R2)));
    code.emit(mov64(R0, reg(R4)), atomic(8, ATOMIC_OP.cmpxchg, R8, 0, R1), jump64('jeq', R0, reg(R4), settled));
  }
  code.emit(goto(ifFalse));
  code.place(settled);
  code.emit(jump64('jeq', R5, 0, ifFalse), goto(ifTrue));
}
