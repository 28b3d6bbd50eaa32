import type { Random } from '../src/verify/random.js';
import type { Protocol } from './rules.js';

/** Shares of a kind, in per cent. */
export interface Shape {
  /** Addresses by the length of their prefix. */
  readonly source: readonly (readonly [length: number, share: number])[];
  readonly destination: readonly (readonly [length: number, share: number])[];
  readonly protocol: readonly (readonly [Protocol | undefined, number])[];
  readonly sport: readonly (readonly [Ports, number])[];
  readonly dport: readonly (readonly [Ports, number])[];
}

/** ClassBench's classes: any, ephemeral, well-known, some range, one port. */
export type Ports = 'any' | 'high' | 'low' | 'range' | 'one';

export const SHAPES: Readonly<Record<'acl' | 'fw' | 'ipc', Shape>> = {
  acl: {
    source: [
      [0, 18],
      [16, 8],
      [20, 6],
      [24, 28],
      [28, 8],
      [32, 32],
    ],
    destination: [
      [16, 2],
      [20, 4],
      [24, 24],
      [27, 10],
      [29, 6],
      [32, 54],
    ],
    protocol: [
      ['tcp', 76],
      ['udp', 12],
      ['icmp', 4],
      [undefined, 8],
    ],
    sport: [['any', 100]],
    dport: [
      ['any', 18],
      ['high', 3],
      ['range', 14],
      ['one', 65],
    ],
  },
  fw: {
    source: [
      [0, 46],
      [8, 2],
      [14, 3],
      [16, 9],
      [22, 5],
      [24, 13],
      [28, 3],
      [32, 19],
    ],
    destination: [
      [0, 38],
      [12, 2],
      [16, 6],
      [21, 4],
      [24, 14],
      [29, 4],
      [32, 32],
    ],
    protocol: [
      ['tcp', 58],
      ['udp', 27],
      ['icmp', 6],
      ['gre', 2],
      [undefined, 7],
    ],
    sport: [
      ['any', 68],
      ['high', 12],
      ['low', 2],
      ['range', 4],
      ['one', 14],
    ],
    dport: [
      ['any', 24],
      ['high', 10],
      ['low', 2],
      ['range', 8],
      ['one', 56],
    ],
  },
  ipc: {
    source: [
      [0, 14],
      [8, 2],
      [16, 10],
      [19, 6],
      [24, 26],
      [27, 8],
      [32, 34],
    ],
    destination: [
      [0, 12],
      [9, 2],
      [16, 9],
      [20, 7],
      [24, 26],
      [28, 8],
      [32, 36],
    ],
    protocol: [
      ['tcp', 55],
      ['udp', 23],
      ['icmp', 9],
      [undefined, 13],
    ],
    sport: [
      ['any', 78],
      ['high', 4],
      ['range', 5],
      ['one', 13],
    ],
    dport: [
      ['any', 42],
      ['high', 4],
      ['low', 1],
      ['range', 9],
      ['one', 44],
    ],
  },
};

export function weighted<T>(choices: readonly (readonly [T, number])[], random: Random): T {
  const total = choices.reduce((sum, [, share]) => sum + share, 0);
  let dice = random.below(total);
  for (const [value, share] of choices) {
    dice -= share;
    if (dice < 0) return value;
  }
  return choices[0][0];
}
