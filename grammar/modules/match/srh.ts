import { payload, type Condition } from '../../model/condition.js';
import type { Comparison, SegmentTest } from '../../model/payload.js';
import { defineMatch, givenWords, option, type Given, type OptionsOf, type ValueType } from '../define.js';
import { hostMask, prefixLength, printIPv6, type MaskedAddress } from '../value/address.js';
import { number, UINT16, UINT8 } from '../value/number.js';

const byte = number({ max: UINT8 });

function header(doc: string): { invertible: true; doc: string } {
  return { invertible: true, doc };
}

/** A segment identifier; the length of its mask is printed always. A mask with holes has none: it stays an address. */
const segment: ValueType<MaskedAddress> = {
  ...hostMask,
  print: ({ address, mask }) => [`${printIPv6(address)}/${prefixLength(mask, 'v6') ?? printIPv6(mask)}`],
};

/** In the order in which they are printed. */
const OPTIONS = {
  nextHeader: option('--srh-next-hdr', byte, header('protocol of the next header')),
  lengthEq: option('--srh-hdr-len-eq', byte, header('length of the header in units of 8 bytes, without the first')),
  lengthGt: option('--srh-hdr-len-gt', byte, header('the length is greater')),
  lengthLt: option('--srh-hdr-len-lt', byte, header('the length is less')),
  leftEq: option('--srh-segs-left-eq', byte, header('segments left')),
  leftGt: option('--srh-segs-left-gt', byte, header('more segments left')),
  leftLt: option('--srh-segs-left-lt', byte, header('fewer segments left')),
  lastEq: option('--srh-last-entry-eq', byte, header('index of the last entry of the segment list')),
  lastGt: option('--srh-last-entry-gt', byte, header('the index is greater')),
  lastLt: option('--srh-last-entry-lt', byte, header('the index is less')),
  tag: option('--srh-tag', number({ max: UINT16 }), header('tag of the packet')),
  previous: option('--srh-psid', segment, header('segment before the active one')),
  next: option('--srh-nsid', segment, header('the active segment')),
  last: option('--srh-lsid', segment, header('last segment of the path')),
};

export type SrhOptions = OptionsOf<typeof OPTIONS>;

/** Tests that share one number in the kernel's structure (`struct ip6t_srh1`). */
const SHARED = [
  ['lengthEq', 'lengthGt', 'lengthLt'],
  ['leftEq', 'leftGt', 'leftLt'],
  ['lastEq', 'lastGt', 'lastLt'],
] as const;

/** The tests as the kernel gets them: of those that share a number, the one that was given last counts for all. */
export function effectiveTests(options: SrhOptions): SrhOptions {
  const order = Object.keys(options);
  const changed = SHARED.flatMap((keys) => {
    const given = keys.filter((key) => options[key] !== undefined);
    const [last] = [...given].sort((a, b) => order.indexOf(b) - order.indexOf(a));
    return given.map((key) => [key, { ...options[key], value: options[last]?.value }] as const);
  });
  return { ...options, ...Object.fromEntries(changed) };
}

function headerMatches(given: SrhOptions): Condition {
  const o = effectiveTests(given);
  return payload({
    kind: 'srh',
    nextHeader: comparisons(o.nextHeader),
    length: comparisons(o.lengthEq, o.lengthGt, o.lengthLt),
    segmentsLeft: comparisons(o.leftEq, o.leftGt, o.leftLt),
    lastEntry: comparisons(o.lastEq, o.lastGt, o.lastLt),
    tag: comparisons(o.tag),
    segments: [...segmentTest('previous', o.previous), ...segmentTest('next', o.next), ...segmentTest('last', o.last)],
  });
}

function comparisons(eq?: Given<number>, gt?: Given<number>, lt?: Given<number>): readonly Comparison[] {
  const comparison = (op: Comparison['op'], given: Given<number> | undefined): readonly Comparison[] =>
    given === undefined ? [] : [{ op, value: given.value, inverted: given.inverted }];
  return [...comparison('eq', eq), ...comparison('gt', gt), ...comparison('lt', lt)];
}

function segmentTest(which: SegmentTest['which'], given: Given<MaskedAddress> | undefined): readonly SegmentTest[] {
  return given === undefined ? [] : [{ which, ...given.value, inverted: given.inverted }];
}

/** Segment routing header of IPv6 (net/ipv6/netfilter/ip6t_srh.c, revision 1). */
export const srh = defineMatch({
  name: 'srh',
  families: ['v6'],
  doc: 'IPv6 segment routing header',
  options: OPTIONS,
  condition: headerMatches,
  print: (options, context) => givenWords(OPTIONS, effectiveTests(options), context),
});
