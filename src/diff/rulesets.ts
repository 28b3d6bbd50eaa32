import { TooWideError } from '../space/explore.js';
import { BrokenTableError } from '../space/program.js';
import { chainsToCompare, diffPackets, type ChainChanges } from './packets.js';
import { diffDumps, type DiffSide } from './rules.js';

/** What two rulesets of the same IP version differ in. */
export interface RulesetChanges {
  /** Unified diff of the canonical texts; empty where the rules are the same. */
  readonly patch: string;
  /** Packets that are judged otherwise, for each built-in chain that either side says something about. */
  readonly chains: readonly ChainChanges[];
  /** Chains that could not be compared, with the reason. */
  readonly failures: readonly string[];
}

/** Compares all chains; those that cannot be compared are named, and the others still told. */
export async function diffRulesets(a: DiffSide, b: DiffSide): Promise<RulesetChanges> {
  const { patch, same } = await diffDumps(a, b);
  const chains: ChainChanges[] = [];
  const failures: string[] = [];
  for (const place of same ? [] : chainsToCompare(a.ruleset, b.ruleset)) {
    try {
      chains.push(await diffPackets(a.ruleset, b.ruleset, place));
    } catch (error) {
      if (!(error instanceof TooWideError || error instanceof BrokenTableError)) throw error;
      failures.push(`table ${place.table}, chain ${place.chain}: ${error.message}`);
    }
  }
  return { patch, chains, failures };
}
