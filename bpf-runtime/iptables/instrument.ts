import type { RuleRef } from '../../grammar/model/ruleset.js';
import { RuntimeError } from '../system/error.js';
import type { RuleLine, TableText } from './ruleset-text.js';
import { findRuleTarget, type RuleTarget } from './words.js';

export type Verdict = 'accept' | 'drop' | 'reject';

/** Where the way of a packet through the chain ends. */
export interface Conclusion {
  readonly verdict: Verdict;
  readonly rule: RuleRef | 'policy';
}

export interface InstrumentedTable {
  readonly text: string;
  /** Log prefix n ≥ 1 is conclusion n − 1. */
  readonly conclusions: readonly Conclusion[];
  /** Rules of each chain that has any, without those that were added. */
  readonly ruleCounts: ReadonlyMap<string, number>;
  /** Chains that begin with an added ACCEPT. */
  readonly bypassed: readonly string[];
  /** Chains that were added. */
  readonly helpers: ReadonlySet<string>;
}

/** Log prefix with which a packet says that it has come to the chain. */
export const ANNOUNCE = 0;

/** Targets after which the next rule follows. */
const CONTINUING = new Set([
  'AUDIT',
  'CHECKSUM',
  'CLASSIFY',
  'CONNMARK',
  'CONNSECMARK',
  'CT',
  'DSCP',
  'ECN',
  'HL',
  'HMARK',
  'IDLETIMER',
  'LED',
  'LOG',
  'MARK',
  'NFLOG',
  'NOTRACK',
  'RATEEST',
  'SECMARK',
  'SET',
  'TCPMSS',
  'TCPOPTSTRIP',
  'TEE',
  'TOS',
  'TRACE',
  'TTL',
  'ULOG',
]);

/** Targets of table nat, which accept the packet that they rewrite. */
const REWRITING = new Set(['DNAT', 'MASQUERADE', 'NETMAP', 'REDIRECT', 'SNAT']);

/**
 * Chains of table mangle that a packet may come to after a chain. What leaves comes from OUTPUT, where it is put in front of the
 * judged chain.
 */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  PREROUTING: ['INPUT', 'FORWARD', 'POSTROUTING'],
  INPUT: ['PREROUTING', 'POSTROUTING'],
  FORWARD: ['PREROUTING', 'POSTROUTING'],
  OUTPUT: ['POSTROUTING'],
  POSTROUTING: ['OUTPUT'],
};

/** A table whose text does not tell the numbers of its rules, or the words of a target. */
export class NotPlainError extends Error {}

/** Makes the text of one table with log rules at the beginning and at every end of one built-in chain. */
export function instrument(table: TableText, builtin: string, logGroup: number): InstrumentedTable {
  if (!table.plain) throw new NotPlainError('not plain -A lines');
  return new Instrumenter(table, builtin, logGroup).run();
}

class Instrumenter {
  private readonly conclusions: Conclusion[] = [];
  private readonly helpers: string[] = [];
  private readonly helperRules: string[] = [];
  private readonly userChains: ReadonlySet<string>;
  private readonly reachable: ReadonlySet<string>;
  private readonly prefix: string;
  private readonly gotos = new Map<string, string>();
  private policyChain: string | undefined;
  private policyIndex: number | undefined;

  constructor(
    private readonly table: TableText,
    private readonly builtin: string,
    private readonly logGroup: number,
  ) {
    this.userChains = new Set(table.chains.filter(({ policy }) => policy === '-').map(({ name }) => name));
    this.reachable = this.findReachable();
    const taken = (prefix: string): boolean => table.chains.some(({ name }) => name.startsWith(prefix));
    this.prefix = ['judged-', 'judged~', 'verdict-', '~', '~~'].find((prefix) => !taken(prefix)) ?? '=~=';
  }

  private findReachable(): ReadonlySet<string> {
    const reached = new Set([this.builtin]);
    const edges = new Map<string, string[]>();
    for (const { chain, words } of this.table.rules) {
      const target = findRuleTarget(words);
      if (target !== undefined) edges.set(chain, [...(edges.get(chain) ?? []), target.name]);
    }
    const waiting = [this.builtin];
    for (let chain = waiting.pop(); chain !== undefined; chain = waiting.pop()) {
      for (const next of edges.get(chain) ?? []) {
        if (!this.userChains.has(next) || reached.has(next)) continue;
        reached.add(next);
        waiting.push(next);
      }
    }
    return reached;
  }

  run(): InstrumentedTable {
    const rules = this.table.rules.map((rule) => (this.reachable.has(rule.chain) ? this.rewrite(rule) : rule.line));
    const text = [
      `*${this.table.name}`,
      ...this.table.chains.map(({ line }) => line),
      ...this.helpers.map((name) => `:${name} - [0:0]`),
      `-A ${this.builtin} ${this.log(ANNOUNCE)}`,
      ...this.bypassed().map((chain) => `-A ${chain} -j ACCEPT`),
      ...rules,
      `-A ${this.builtin} ${this.log(this.policy())}`,
      ...this.helperRules,
      'COMMIT',
      '',
    ].join('\n');
    const ruleCounts = new Map<string, number>();
    for (const { chain, number } of this.table.rules) ruleCounts.set(chain, number);
    return {
      text,
      conclusions: this.conclusions,
      ruleCounts,
      bypassed: this.bypassed(),
      helpers: new Set(this.helpers),
    };
  }

  /** Other chains on the way in the same table are not to count the chains that the judged one shares with them. */
  private bypassed(): readonly string[] {
    return this.table.name === 'mangle' ? (BESIDE[this.builtin] ?? []) : [];
  }

  private log(prefix: number): string {
    return `-j NFLOG --nflog-group ${this.logGroup} --nflog-prefix ${prefix}`;
  }

  private conclude(conclusion: Conclusion): number {
    return this.conclusions.push(conclusion);
  }

  private policy(): number {
    const declared = this.table.chains.find(({ name }) => name === this.builtin)?.policy;
    this.policyIndex ??= this.conclude({ verdict: declared === 'DROP' ? 'drop' : 'accept', rule: 'policy' });
    return this.policyIndex;
  }

  /** Adds a chain of our own with these rules; its name. */
  private helper(rules: readonly string[]): string {
    const name = `${this.prefix}${this.helpers.length + 1}`;
    this.helpers.push(name);
    for (const rule of rules) this.helperRules.push(`-A ${name} ${rule}`);
    return name;
  }

  private rewrite(rule: RuleLine): string {
    const target = findRuleTarget(rule.words);
    if (target === undefined) return rule.line;
    const { name } = target;
    if (this.userChains.has(name)) {
      return target.goto && rule.chain === this.builtin ? this.replace(rule, target, this.gotoChain(name)) : rule.line;
    }
    if (name === 'RETURN') {
      return rule.chain === this.builtin ? this.replace(rule, target, this.returnChain()) : rule.line;
    }
    if (CONTINUING.has(name)) return rule.line;
    if (name === 'ACCEPT' || name === 'DROP') return this.replace(rule, target, this.verdictChain(rule, name));
    if (name === 'REJECT') return this.rewriteReject(rule, target);
    if (REWRITING.has(name)) return this.rewriteLast(rule, target);
    throw new RuntimeError(
      'unsupported-target',
      `table ${this.table.name}, chain ${rule.chain}, rule ${rule.number}: what target ${name} decides is not known here`,
    );
  }

  private verdictChain(rule: RuleLine, verdict: 'ACCEPT' | 'DROP'): string {
    const index = this.conclude({
      verdict: verdict === 'ACCEPT' ? 'accept' : 'drop',
      rule: { chain: rule.chain, number: rule.number },
    });
    return this.helper([this.log(index), `-j ${verdict}`]);
  }

  /** RETURN in a built-in chain: the policy decides. */
  private returnChain(): string {
    this.policyChain ??= this.helper([this.log(this.policy())]);
    return this.policyChain;
  }

  /** `-g CHAIN` in a built-in chain: when CHAIN is through, the policy decides, and the rest of the built-in is passed by. */
  private gotoChain(chain: string): string {
    const known = this.gotos.get(chain);
    if (known !== undefined) return known;
    const name = this.helper([`-j ${chain}`, this.log(this.policy())]);
    this.gotos.set(chain, name);
    return name;
  }

  private rewriteReject(rule: RuleLine, target: RuleTarget): string {
    const at = rule.words.findIndex(({ text }) => text.length > 4 && '--reject-with'.startsWith(text));
    const option = at < 0 ? '' : ` --reject-with ${rule.words[at + 1]?.text ?? ''}`;
    const index = this.conclude({ verdict: 'reject', rule: { chain: rule.chain, number: rule.number } });
    // REJECT with a reset wants to see `-p tcp` in its own rule.
    const chain = this.helper([this.log(index), `${this.protocol(rule)}-j REJECT${option}`]);
    return this.replace(rule, target, chain, at < 0 ? [] : [at, at + 1]);
  }

  /** A target with options of its own, which stand behind it in what `iptables-save` prints. */
  private rewriteLast(rule: RuleLine, target: RuleTarget): string {
    const rest = rule.words.slice(target.at + 2);
    if (rest.some(({ text }) => /^(-[a-z]|!|--match|--proto.*)$/.test(text))) {
      throw new NotPlainError('options of the rule behind its target');
    }
    const index = this.conclude({ verdict: 'accept', rule: { chain: rule.chain, number: rule.number } });
    const words = rule.line.slice(rule.words[target.at].start);
    const chain = this.helper([this.log(index), `${this.protocol(rule)}${words}`]);
    const kept = rest.map((_, i) => target.at + 2 + i);
    return this.replace(rule, target, chain, kept);
  }

  private protocol(rule: RuleLine): string {
    const at = rule.words.findIndex(({ text }) => text === '-p' || (text.length > 3 && '--protocol'.startsWith(text)));
    return at < 1 || rule.words[at - 1].text === '!' ? '' : `-p ${rule.words[at + 1]?.text ?? ''} `;
  }

  /** The rule with `-g CHAIN` for its target, and without the words at `removed`. */
  private replace(rule: RuleLine, target: RuleTarget, chain: string, removed: readonly number[] = []): string {
    let line = '';
    let from = 0;
    rule.words.forEach((word, i) => {
      const gone = removed.includes(i) || i === target.at || i === target.at + 1;
      if (!gone) return;
      line += rule.line.slice(from, word.start);
      if (i === target.at) line += `-g ${chain}`;
      from = word.end;
    });
    return (line + rule.line.slice(from)).trimEnd();
  }
}
