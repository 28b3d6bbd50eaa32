import type { Family } from '../../grammar/model/family.js';
import type { Counters } from '../../grammar/model/ruleset.js';
import { CommandError, run } from '../system/command.js';
import { RuntimeError } from '../system/error.js';

/** Which of the kernel's two rule engines the tool talks to. */
export type Variant = 'legacy' | 'nft';

/** The tools of one family and variant, in the calling thread's network namespace. */
export class Tools {
  private readonly name: string;

  constructor(family: Family, variant: Variant) {
    this.name = `${family === 'v4' ? 'iptables' : 'ip6tables'}-${variant}`;
  }

  /** Loads a ruleset; counters in it are ignored. Throws `ruleset-refused` with what the tool says. */
  restore(text: string, options: { readonly keep?: boolean } = {}): void {
    const args = ['-w', '60', ...(options.keep === true ? ['--noflush'] : [])];
    try {
      run(`${this.name}-restore`, args, text);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new RuntimeError('ruleset-refused', `${this.name}-restore: ${(error.stderr || error.stdout).trim()}`);
    }
  }

  /** `iptables-save -c` of one table. */
  save(table: string): string {
    return run(`${this.name}-save`, ['-c', '-t', table]);
  }

  /** Sets all counters of a table to zero. */
  zero(table: string): void {
    run(this.name, ['-w', '60', '-t', table, '-Z']);
  }
}

export interface ChainCounters {
  /** Of a built-in chain: what its policy decided. */
  readonly policy?: Counters;
  /** Rule n is at n − 1. Bytes are IP bytes, as `iptables -L -v -x` shows them. */
  readonly rules: readonly Counters[];
}

const CHAIN = /^:(\S+) (\S+) \[(\d+):(\d+)\]/;
const RULE = /^\[(\d+):(\d+)\] -A ("[^"]*"|\S+)/;

function countersOf(packets: string, bytes: string): Counters {
  return { packets: BigInt(packets), bytes: BigInt(bytes) };
}

/** Reads what `iptables-save -c` prints of one table. */
export function parseCounters(text: string): Map<string, ChainCounters> {
  const policies = new Map<string, Counters | undefined>();
  const rules = new Map<string, Counters[]>();
  for (const line of text.split('\n')) {
    const chain = CHAIN.exec(line);
    if (chain !== null) {
      policies.set(chain[1], chain[2] === '-' ? undefined : countersOf(chain[3], chain[4]));
      rules.set(chain[1], []);
      continue;
    }
    const rule = RULE.exec(line);
    if (rule !== null) rules.get(rule[3].replace(/^"|"$/g, ''))?.push(countersOf(rule[1], rule[2]));
  }
  const result = new Map<string, ChainCounters>();
  for (const [name, counters] of rules) {
    const policy = policies.get(name);
    result.set(name, policy === undefined ? { rules: counters } : { policy, rules: counters });
  }
  return result;
}
