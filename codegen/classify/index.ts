/** Finding the rules that a packet meets, by decision diagrams in a table. Knows nothing of packets and programs. */
export { classify, type Classifier } from './classifier.js';
export type { Node } from './dag.js';
export type { Group } from './division.js';
export { isInside, MAX_DIMENSIONS, type Dimension, type Instance, type Range } from './instance.js';
export {
  BLOCK_BITS,
  ENTRY,
  ENTRY_BYTES,
  HIT_BYTES,
  LIST,
  listBytes,
  RECORD_UNIT_BITS,
  recordLayout,
  type RecordLayout,
} from './record.js';
export { Slots } from './slots.js';
export {
  CHILD,
  END,
  INDEX,
  NOTHING,
  PLACE_BITS,
  PLACE_UNIT_BITS,
  SEARCH,
  SEARCH_BYTES,
  SEARCH_CUTS,
  SLOT_BITS,
  SLOT_MASK,
  TableWriter,
} from './table.js';
export type { Access } from './access.js';
