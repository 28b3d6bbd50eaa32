import { FALSE, type Diagrams, type Node } from './diagram.js';

/** The same numbers in each run, from 0 to below 1: xorshift32 (Marsaglia 2003). */
export function randomNumbers(): () => number {
  let state = 0x2545f491;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Writes a point of a region that is not empty, by chance: each range of values at a node is as likely as the others. */
export function pointIn(diagrams: Diagrams, region: Node, random: () => number, values: Float64Array): void {
  for (let i = 0; i < values.length; i++) values[i] = Math.floor(random() * diagrams.sizeOf(i));
  for (let here = region; here >= 0;) {
    const children = diagrams.childrenOf(here);
    const highs = diagrams.highsOf(here);
    let inside = 0;
    for (const child of children) if (child !== FALSE) inside++;
    let left = Math.floor(random() * inside);
    let i = 0;
    for (; ; i++) if (children[i] !== FALSE && left-- === 0) break;
    const lo = i === 0 ? 0 : highs[i - 1] + 1;
    values[diagrams.variableOf(here)] = lo + Math.floor(random() * (highs[i] - lo + 1));
    here = children[i];
  }
}
