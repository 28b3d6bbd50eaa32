import type { Parsed, ValueType } from '../define.js';

/** Which chunks are asked for, and how. */
export interface ChunkTest {
  readonly kind: 'any' | 'all' | 'only';
  /** Every chunk type there may be, none, or those in `types`. */
  readonly types: 'ALL' | readonly number[];
  /** Flags that are asked of a chunk type: the bits that count, and those of them that must be set. */
  readonly flags: ReadonlyMap<number, { readonly mask: number; readonly set: number }>;
}

type Chunk = readonly [name: string, type: number, flags: string];

const NO_FLAGS = '--------';

/** Chunk names with the letters of their flags, bit 7 first (RFC 9260 section 3.2 and its extensions). */
const CHUNKS: readonly Chunk[] = [
  ['DATA', 0, '----IUBE'],
  ['INIT', 1, NO_FLAGS],
  ['INIT_ACK', 2, NO_FLAGS],
  ['SACK', 3, NO_FLAGS],
  ['HEARTBEAT', 4, NO_FLAGS],
  ['HEARTBEAT_ACK', 5, NO_FLAGS],
  ['ABORT', 6, '-------T'],
  ['SHUTDOWN', 7, NO_FLAGS],
  ['SHUTDOWN_ACK', 8, NO_FLAGS],
  ['ERROR', 9, NO_FLAGS],
  ['COOKIE_ECHO', 10, NO_FLAGS],
  ['COOKIE_ACK', 11, NO_FLAGS],
  ['ECN_ECNE', 12, NO_FLAGS],
  ['ECN_CWR', 13, NO_FLAGS],
  ['SHUTDOWN_COMPLETE', 14, '-------T'],
  ['I_DATA', 64, '----IUBE'],
  ['RE_CONFIG', 130, NO_FLAGS],
  ['PAD', 132, NO_FLAGS],
  ['ASCONF', 193, NO_FLAGS],
  ['ASCONF_ACK', 128, NO_FLAGS],
  ['FORWARD_TSN', 192, NO_FLAGS],
  ['I_FORWARD_TSN', 194, NO_FLAGS],
];

/** Room for chunk types with flags (XT_NUM_SCTP_FLAGS). */
const FLAG_ROOM = 4;

const KINDS = ['any', 'all', 'only'] as const;

function parseChunks(kindWord: string, list: string): Parsed<ChunkTest> {
  if (/^[-!]/.test(list)) return { error: `a list of chunks is needed, "${list}" is not one` };
  const kind = KINDS.find((known) => known === kindWord.toLowerCase());
  if (kind === undefined) return { error: `"${kindWord}" is none of ${KINDS.join(', ')}` };
  if (list.toUpperCase() === 'ALL') return { value: { kind, types: 'ALL', flags: new Map() } };
  if (list.toUpperCase() === 'NONE') return { value: { kind, types: [], flags: new Map() } };
  const types = new Set<number>();
  const flags = new Map<number, { mask: number; set: number }>();
  for (const piece of list.split(',').filter((name) => name !== '')) {
    const error = addChunk(piece, types, flags);
    if (error !== undefined) return { error };
  }
  return { value: { kind, types: [...types].sort((a, b) => a - b), flags } };
}

/** Adds `NAME[:flags]`; says what is wrong with it. */
function addChunk(
  piece: string,
  types: Set<number>,
  flags: Map<number, { mask: number; set: number }>,
): string | undefined {
  const colon = piece.indexOf(':');
  const name = colon < 0 ? piece : piece.slice(0, colon);
  const index = CHUNKS.findIndex(([known]) => known === name.toUpperCase());
  if (index < 0) return `"${name}" is not an SCTP chunk`;
  const [, type, letters] = CHUNKS[index];
  types.add(type);
  for (const letter of colon < 0 ? '' : piece.slice(colon + 1)) {
    const at = letters.indexOf(letter.toUpperCase());
    if (at < 0) return `"${letter}" is not a flag of ${name}`;
    // iptables keeps the place in its list instead of the type; the two differ from I_DATA on.
    const entry = flags.get(index) ?? { mask: 0, set: 0 };
    const bit = 1 << (7 - at);
    const isUpper = letter !== letter.toLowerCase();
    flags.set(index, { mask: entry.mask | bit, set: entry.set | (isUpper ? bit : 0) });
    if (flags.size > FLAG_ROOM) return `more than ${FLAG_ROOM} chunks have flags`;
  }
  return undefined;
}

function printChunk(type: number, flags: ChunkTest['flags']): string {
  const [name, , letters] = CHUNKS.find(([, known]) => known === type) ?? ['', type, NO_FLAGS];
  const asked = flags.get(type);
  if (asked === undefined) return name;
  const shown = [...letters].map((letter, at) => {
    const bit = 1 << (7 - at);
    if ((asked.mask & bit) === 0) return '';
    return (asked.set & bit) === 0 ? letter.toLowerCase() : letter;
  });
  return `${name}:${shown.join('')}`;
}

function printChunks({ types, flags }: ChunkTest): string {
  if (types === 'ALL') return 'ALL';
  return types.length === 0 ? 'NONE' : types.map((type) => printChunk(type, flags)).join(',');
}

/** `any|all|only chunk[:flags][,chunk[:flags]]…` (iptables libxt_sctp.c). */
export const chunkTest: ValueType<ChunkTest> = {
  arity: 2,
  placeholder: 'any|all|only chunk[:flags][,…]',
  parse: ([kind, list]) => parseChunks(kind, list),
  print: (test) => [test.kind, printChunks(test)],
};
