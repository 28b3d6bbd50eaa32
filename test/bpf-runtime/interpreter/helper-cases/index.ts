import type { HelperCase } from './code.js';
import { mapCases, ringCases, trieCases } from './maps.js';
import { skbCases } from './skb.js';
import { checksumCases, sumCases } from './sums.js';
import { xdpCases } from './xdp.js';

export { FRAME, type HelperCase } from './code.js';

export const helperCases: readonly HelperCase[] = [
  ...xdpCases,
  ...checksumCases,
  ...mapCases,
  ...trieCases,
  ...ringCases,
  ...skbCases,
  ...sumCases,
].map((row) => ({ ...row, want: row.want >>> 0 }));
