import { AUTHENTICATION, DESTINATION, FRAGMENT, HOP_BY_HOP, ROUTING, type Extension, type Shape } from './frame.js';

const HEADER = 40;
/** Headers of 8 bytes of each kind; a fragment header has no other length. */
const SHORT: readonly Extension[] = [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION].map((kind) => ({
  kind,
  bytes: 8,
}));
const LONGER: readonly Extension[] = SHORT.filter(({ kind }) => kind !== FRAGMENT).flatMap(({ kind }) =>
  [16, 24].map((bytes) => ({ kind, bytes })),
);

/** What a proof says of the packets that it holds for. */
export const IPV6_BOUND =
  'no IPv6 extension header, one of 8, 16 or 24 bytes, or two of 8 bytes each, of every kind that ip6tables steps over';

/** Shapes of IPv6 packets, see {@link IPV6_BOUND}; `tags`: numbers of VLAN tags. Two headers stand behind none. */
export function ipv6Shapes(tags: readonly number[]): readonly Shape[] {
  const single = [[], ...SHORT.map((one) => [one]), ...LONGER.map((one) => [one])];
  const double = SHORT.flatMap((first) => SHORT.map((second) => [first, second]));
  const shapeOf = (count: number, extensions: readonly Extension[]): Shape => ({
    tags: count,
    header: HEADER + extensions.reduce((sum, { bytes }) => sum + bytes, 0),
    extensions,
  });
  return tags.flatMap((count) => [...single, ...(count === 0 ? double : [])].map((one) => shapeOf(count, one)));
}

/** Shapes with little in common in which every field may have several values, with so many VLAN tags. */
export function ipv6Samples(tags: number, others: number): readonly [Shape, Shape] {
  const fragment = { kind: FRAGMENT, bytes: 8 };
  return [
    { tags, header: HEADER + 8, extensions: [fragment] },
    { tags: others, header: HEADER + 16, extensions: [{ kind: ROUTING, bytes: 8 }, fragment] },
  ];
}
