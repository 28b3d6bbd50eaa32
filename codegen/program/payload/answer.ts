/** What a payload function returns. */
export const PAYLOAD = {
  NO: 0,
  YES: 1,
  /** The packet is dropped at once, and no rule is counted. */
  HOTDROP: 2,
  /** The test holds, and the packet is dropped behind its rule. */
  DROPPING: 3,
  /** There is more in the packet than can be walked over: what it hides is not known. */
  UNKNOWN: 4,
} as const;
