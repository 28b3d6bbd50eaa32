/** IP sets: what `ipset save` prints. */
export { parseSets, type IpSets, type ParsedSets } from './read.js';
export { printSets } from './print.js';
export { parseElement } from './element.js';
export { bindSets } from './bind.js';
