import type { RuleRef } from '../../grammar/model/ruleset.js';

/** Why a frame holds no packet that a chain of the family could be asked about. */
export type UnreadableCode =
  | 'not-ethernet'
  | 'other-protocol'
  | 'short-header'
  | 'bad-version'
  | 'bad-header-length'
  | 'bad-total-length'
  | 'truncated';

/** The frame holds no packet of the family; ask `reaches` first. */
export class UnreadablePacketError extends Error {
  constructor(
    readonly code: UnreadableCode,
    message: string,
  ) {
    super(message);
    this.name = 'UnreadablePacketError';
  }
}

/** Why the kernel would not load a table. */
export type RulesetFault = 'no-such-table' | 'no-such-chain' | 'chain-loop' | 'jump-to-builtin';

/** A ruleset that the kernel would not load. */
export class RulesetFaultError extends Error {
  constructor(
    readonly code: RulesetFault,
    message: string,
    readonly rule?: RuleRef,
  ) {
    super(message);
    this.name = 'RulesetFaultError';
  }
}
