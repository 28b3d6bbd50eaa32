/** IP sets: what `ipset save` prints. */
export { parseSets, type IpSets, type ParsedSets } from './read.js';
export { printMember, printSets } from './print.js';
export { parseElement, printElement } from './element.js';
export { bindSets, setsOf } from './bind.js';
