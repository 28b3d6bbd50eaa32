/** Labels that every chain function has behind its parts: where rules leave it. */
export const EXITS = {
  /** Counts the rule in r8 (early mode: remembers it), returns the verdict in r9. */
  countAndLeave: 'count_and_leave',
  /** Returns the verdict in r0. */
  leave: 'leave',
  /** Drops the packet without counting a rule. */
  hotdrop: 'hotdrop',
  /** Passes a packet of which something cannot be known (early mode). */
  pass: 'pass_unknown',
} as const;
