/** Finding the rules that a packet meets, by decision diagrams in a table. Knows nothing of packets and programs. */
export { classify, type Classifier } from './classifier.js';
export type { Node } from './dag.js';
export { isInside, MAX_DIMENSIONS, type Dimension, type Hit, type Instance, type Range } from './instance.js';
export { BRANCH, END, HIT_BYTES, LEAF, TableWriter, type Access } from './table.js';
