import { BUILTIN_CHAINS, type TableName } from '../../grammar/model/family.js';
import { isBuiltin, type Chain, type Rule, type Ruleset, type Table } from '../../grammar/model/ruleset.js';
import { BrokenTableError, TooManyWaysError } from '../space/program.js';
import { behindOf } from './behind.js';
import { behindFinding, chainFinding, ruleFinding } from './finding.js';
import { viewOf, type HookView } from './hook.js';
import type { LintFinding, LintGap, LintResult } from './model.js';
import type { Jump, RulePlace } from './place.js';
import { Superfluous } from './superfluous.js';

/**
 * Rules that no packet needs, each with what takes its packets. A rule is named only if no packet comes to it and matches
 * it, or all that do would fare the same by rules behind it, whatever tests with memory answer; rules that are not named
 * may be needless all the same where the result has a gap.
 */
export function lint(ruleset: Ruleset): LintResult {
  const results = ruleset.tables.map((table) => new TableLint(ruleset, table).run());
  return {
    findings: results.flatMap(({ findings }) => findings).sort((a, b) => a.line - b.line),
    gaps: results.flatMap(({ gaps }) => gaps),
  };
}

class TableLint {
  readonly #views: HookView[] = [];
  readonly #gaps: LintGap[] = [];
  readonly #alive = new Set<Rule>();
  #superfluous: readonly Superfluous[] | undefined;

  constructor(
    private readonly ruleset: Ruleset,
    private readonly table: Table,
  ) {}

  run(): LintResult {
    for (const hook of BUILTIN_CHAINS[this.table.name]) this.#look(this.table.name, hook);
    // Without all hooks nothing is known about chains that the others may lead to.
    if (this.#gaps.some(({ reason }) => reason !== UNSURE)) return { findings: [], gaps: this.#gaps };
    const findings = this.table.chains.flatMap((chain) => this.#chain(chain));
    return { findings, gaps: this.#gaps };
  }

  #look(table: TableName, hook: (typeof BUILTIN_CHAINS)[TableName][number]): void {
    try {
      const view = viewOf(this.ruleset, table, hook, this.#alive);
      if (view === undefined) return;
      this.#views.push(view);
      let unsure = false;
      for (const [rule, { kind }] of view.states) {
        if (kind !== 'dead') this.#alive.add(rule);
        unsure ||= kind === 'unknown';
      }
      if (unsure) this.#gaps.push({ table, chain: hook, reason: UNSURE });
    } catch (error) {
      const known = error instanceof TooManyWaysError || error instanceof BrokenTableError;
      if (!known && !(error instanceof RangeError)) throw error;
      this.#gaps.push({ table, chain: hook, reason: error.message });
    }
  }

  #chain(chain: Chain): readonly LintFinding[] {
    if (chain.rules.length === 0) return [];
    const context = { ruleset: this.ruleset, table: this.table, chain, views: this.#views };
    const jumps = this.#jumpsTo(chain);
    if (!isBuiltin(chain) && jumps.every(({ rule }) => !this.#alive.has(rule))) return chainFinding(context, jumps);
    return chain.rules.flatMap((rule, i) => {
      if (this.#alive.has(rule)) return this.#behind(context, rule, i + 1);
      const finding = ruleFinding(context, rule, i + 1, jumps);
      return finding === undefined ? [] : [finding];
    });
  }

  #behind(place: RulePlace, rule: Rule, number: number): readonly LintFinding[] {
    const hooks = this.#hooks().filter(({ view }) => view.chains.includes(place.chain));
    const behind = behindOf(place, rule, hooks, {
      isAlive: (one) => this.#alive.has(one),
      jumpsTo: (chain) => this.#jumpsTo(chain),
    });
    return behind === undefined ? [] : [behindFinding(place, rule, number, behind)];
  }

  #hooks(): readonly Superfluous[] {
    return (this.#superfluous ??= this.#views.map((view) => new Superfluous(view)));
  }

  #jumpsTo({ name }: Chain): readonly Jump[] {
    return this.table.chains.flatMap((chain) =>
      chain.rules.flatMap((rule, i) => {
        const { effect } = rule.target;
        return effect.kind === 'jump' && effect.chain === name ? [{ chain, number: i + 1, rule }] : [];
      }),
    );
  }
}

const UNSURE = 'some rules are met by too many others to follow all of their packets';
