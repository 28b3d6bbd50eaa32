import type { Diagnostic } from '../model/diagnostic.js';
import { BUILTIN_CHAINS, type Family, type TableName } from '../model/family.js';
import type { Rule, Ruleset } from '../model/ruleset.js';
import { MATCHES, TARGETS } from '../modules/index.js';
import { problem, LineReader, readLine, SavedLine, type Line, type RuleLine, type TableLine } from '../syntax/index.js';
import type { Hosts } from './address.js';
import { ModuleBinder } from './bind-module.js';
import { bindRule, takesRule } from './bind-rule.js';
import { dialectOf, guessFamily, isOlderHeader } from './family.js';
import { ModuleRegistry } from './registry.js';
import { misplaced } from './reach.js';
import { readRule } from './rule-reader.js';
import type { Surroundings } from './rule-words.js';
import { SavedRuleReader, type LineInText } from './saved-rule.js';
import type { SharedRules } from './shared-rules.js';
import { didYouMean } from '../modules/value/suggest.js';
import { TableDraft } from './table-draft.js';

/** Rules that are read of a dump; with lists of addresses a line is several. Some million make Node.js run out of memory. */
export const MOST_RULES = 500_000;

/** What is known of a dump beside its text. */
export interface ParseOptions {
  /** Guessed from the text and the file's name if left out. */
  readonly family?: Family;
  /** Name of the file, for diagnostics. */
  readonly file?: string;
  /**
   * Addresses of the host names that the dump may use. Names are never looked up: what they mean would depend on the
   * moment. A name that is not here is kept, with a warning, and its test is one that nobody can answer.
   */
  readonly hosts?: Hosts;
  /** IP sets that exist, where rules are to be refused that name another one; iptables asks the kernel. */
  readonly sets?: readonly string[];
  /** The same for accounting objects (`nfacct add`). */
  readonly accounts?: readonly string[];
  /** Where several dumps are read that have lines in common: the same for all of them. */
  readonly shared?: SharedRules;
}

/** What {@link parseDump} read. */
export interface ParsedDump {
  /** What the sound lines make. Not to be used where a diagnostic is an error. */
  readonly ruleset: Ruleset;
  /** In the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
}

const REGISTRIES: Readonly<Record<Family, ModuleRegistry>> = {
  v4: new ModuleRegistry('v4', MATCHES, TARGETS),
  v6: new ModuleRegistry('v6', MATCHES, TARGETS),
};

/**
 * Reads the text of iptables-save, or a file written by hand for iptables-restore, as iptables-legacy-restore does
 * (iptables-restore.c, xshared.c, libiptc; iptables 1.8), and gives every rule its meaning. All errors are reported
 * at once; a line with an error makes no rule.
 */
export function parseDump(text: string, options: ParseOptions = {}): ParsedDump {
  const binder = new DumpBinder(options.family ?? guessFamily(text, options.file), options);
  const reader = new LineReader(text);
  while (!binder.isFull() && reader.next()) {
    if (binder.addSaved(reader)) continue;
    const line = reader.line();
    if (line !== undefined) binder.add(line);
  }
  return binder.finish();
}

/** The second half of `parseDump`: gives lines that `readLines` has cut into words their meaning. */
export function bind(lines: Iterable<Line>, options: ParseOptions & { readonly family: Family }): ParsedDump {
  const binder = new DumpBinder(options.family, options);
  for (const line of lines) {
    binder.add(line);
    if (binder.isFull()) break;
  }
  return binder.finish();
}

/** Where a rule stands, and what it may name there. */
export interface RulePlace {
  readonly family: Family;
  readonly table: TableName;
  readonly chain: string;
  /** Chains of the table that the rule may jump to. */
  readonly chains?: readonly string[];
  /**
   * IP sets that exist. A rule that names another one is refused, as iptables refuses it; `any` takes all names.
   * Default: none exist.
   */
  readonly sets?: readonly string[] | 'any';
  /** Accounting objects that the rule may name; any if left out. */
  readonly accounts?: readonly string[];
  readonly hosts?: Hosts;
  /** Name of the file that the rule comes from, for diagnostics. */
  readonly file?: string;
}

/** What {@link parseRule} read. */
export interface ParsedRule {
  /** Several where the rule has lists of addresses; none where a diagnostic is an error. */
  readonly rules: readonly Rule[];
  /** Line 1; columns count in `text`. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads the words of one rule as they stand behind `-A CHAIN`. What the rule names beside iptables' own modules, chains
 * and IP sets, must be in its place.
 */
export function parseRule(text: string, place: RulePlace): ParsedRule {
  const line = readLine(`${text}\n`, 1) ?? emptyRule();
  if (line.kind !== 'rule') return { rules: [], diagnostics: inFile([notARule(line)], place.file) };
  const builtin: ReadonlySet<string> = new Set<string>(BUILTIN_CHAINS[place.table]);
  const chains = new Set([...builtin, ...(place.chains ?? [])]);
  const registry = REGISTRIES[place.family];
  const { sets: declared = [], accounts, file, ...rest } = place;
  const sets = declared === 'any' ? undefined : declared;
  const words = readRule(line.words, {
    ...rest,
    registry,
    chains,
    ...known({ sets, accounts }),
    isBuiltin: (name) => builtin.has(name),
  });
  const bound = bindRule(line, words, new ModuleBinder());
  const hook = BUILTIN_CHAINS[place.table].find((name) => name === place.chain);
  const misplacedModule = hook && misplaced(bound.hookNeeds, hook);
  const diagnostics = [
    ...(line.words.length === 0 ? [] : line.faults),
    ...words.faults,
    ...bound.faults,
    ...(misplacedModule === undefined ? [] : [misplacedModule]),
  ];
  return { rules: diagnostics.some(isError) ? [] : bound.rules, diagnostics: inFile(diagnostics, file) };
}

function inFile(diagnostics: readonly Diagnostic[], file: string | undefined): readonly Diagnostic[] {
  return file === undefined ? diagnostics : diagnostics.map((diagnostic) => ({ ...diagnostic, file }));
}

type Known = Pick<Surroundings, 'sets' | 'accounts'>;

/** Names of what exists beside iptables, as far as it is said. */
function known({ sets, accounts }: Pick<ParseOptions, 'sets' | 'accounts'>): Known {
  return {
    ...(sets === undefined ? {} : { sets: new Set(sets) }),
    ...(accounts === undefined ? {} : { accounts: new Set(accounts) }),
  };
}

function emptyRule(): RuleLine {
  return { kind: 'rule', range: { line: 1, column: 1, length: 0 }, faults: [], usable: true, words: [], source: '' };
}

function notARule({ range }: Line): Diagnostic {
  return problem('bad-argument', range, 'the text is not a rule');
}

function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.length > 0 && diagnostics.some(isError);
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

/** Where in the file reading is. */
class DumpBinder {
  private readonly diagnostics: Diagnostic[] = [];
  private readonly tables = new Map<TableName, TableDraft>();
  private readonly modules = new ModuleBinder();
  private table: TableDraft | undefined;
  /** What the rules of the table need to know. */
  private surroundings: Surroundings | undefined;
  private savedRules: SavedRuleReader | undefined;
  /** Inside of a block whose table line could not be read. */
  private inBadTable = false;
  private toldNoTable = false;
  private dialect: Ruleset['dialect'] = 'unknown';
  private mayBeOlder = false;
  private lastLine = 0;
  private rules = 0;
  private readonly known: Known;

  constructor(
    private readonly family: Family,
    private readonly options: ParseOptions,
  ) {
    this.known = known(options);
  }

  add(line: Line): void {
    if (line instanceof SavedLine && this.addSaved(line)) return;
    this.report(line.faults);
    this.lastLine = line.range.line;
    switch (line.kind) {
      case 'comment':
        this.comment(line.text);
        return;
      case 'table':
        return this.openTable(line);
      case 'commit':
        return this.commit(line);
      case 'chain':
        if (this.table !== undefined) return this.report(this.table.declare(line));
        return this.outside(line);
      case 'rule':
        if (this.table !== undefined) return this.applyRule(this.table, line);
        return this.outside(line);
      default:
        return line satisfies never;
    }
  }

  /** Adds a line by the short way; false where it is to be read and added as all others. */
  addSaved(line: LineInText): boolean {
    const { table } = this;
    if (table === undefined) return false;
    this.surroundings ??= this.surroundingsIn(table);
    if (this.savedRules?.text !== line.text) {
      const shared = this.options.shared?.in(this.surroundings);
      this.savedRules = new SavedRuleReader(line.text, this.surroundings, this.modules, shared);
    }
    const saved = this.savedRules.read(line);
    if (saved === undefined) return false;
    table.append(saved.chain, saved.rule, saved.hookNeeds);
    this.lastLine = line.number;
    this.rules++;
    return true;
  }

  /** Whether no more rules are to be read, which is told. */
  isFull(): boolean {
    if (this.rules <= MOST_RULES) return false;
    const at = { line: this.lastLine, column: 1, length: 1 };
    this.report([problem('too-many-rules', at, `there are more than ${MOST_RULES.toLocaleString('en')} rules`)]);
    this.close();
    return true;
  }

  finish(): ParsedDump {
    const { family, dialect, diagnostics } = this;
    if (this.table !== undefined || this.inBadTable) {
      const at = { line: this.lastLine + 1, column: 1, length: 1 };
      this.report([problem('table-not-closed', at, 'the last table has no COMMIT', 'add a line COMMIT')]);
      this.close();
    }
    const { file } = this.options;
    const tables = [...this.tables.values()].map((draft) => draft.finish());
    return {
      ruleset: { family, dialect, ...(file === undefined ? {} : { file }), tables },
      diagnostics: inFile(diagnostics, file).toSorted((a, b) => a.line - b.line || a.column - b.column),
    };
  }

  private comment(text: string): void {
    this.dialect = dialectOf(text) ?? this.dialect;
    if (!isOlderHeader(text)) return;
    this.mayBeOlder = true;
    this.surroundings = undefined;
    this.savedRules = undefined;
  }

  private report(diagnostics: readonly Diagnostic[]): void {
    if (diagnostics.length > 0) this.diagnostics.push(...diagnostics);
  }

  private openTable(line: TableLine): void {
    if (this.table !== undefined || this.inBadTable) {
      this.report([
        problem('table-not-closed', line.range, 'the table before has no COMMIT', 'add a line COMMIT before'),
      ]);
      this.close();
    }
    this.toldNoTable = false;
    const name = tableName(line.name?.text);
    if (name !== undefined) {
      this.table = new TableDraft(name, line.range, this.tables.get(name));
      this.tables.set(name, this.table);
      return;
    }
    this.inBadTable = true;
    const text = line.name?.text ?? '';
    const message = text === '' ? 'the table line names no table' : `there is no table "${text}"`;
    this.report([problem('bad-table', line.name ?? line.range, message, didYouMean(text, TABLES))]);
  }

  private commit(line: Line): void {
    if (this.table === undefined && !this.inBadTable) return this.outside(line);
    this.close();
  }

  private close(): void {
    if (this.table !== undefined) this.report(this.table.commitFaults());
    this.table = undefined;
    this.surroundings = undefined;
    this.savedRules = undefined;
    this.inBadTable = false;
    this.toldNoTable = false;
  }

  /** Lines outside of any table: told once for each run of them. */
  private outside(line: Line): void {
    if (this.inBadTable || this.toldNoTable) return;
    this.toldNoTable = true;
    const hint = 'a table begins with a line such as *filter and ends with COMMIT';
    this.report([problem('no-table', line.range, 'the line stands outside of any table', hint)]);
  }

  private applyRule(table: TableDraft, line: RuleLine): void {
    if (line.words.length === 0) return;
    this.surroundings ??= this.surroundingsIn(table);
    const words = readRule(line.words, this.surroundings);
    this.report(words.faults);
    const { command } = words;
    if (command === undefined) {
      if (!words.faults.some(isError) && !words.otherFamily) this.report([noCommand(line)]);
      return;
    }
    // A rule of the other family is not looked at as a whole any more.
    if (words.otherFamily && takesRule(command)) return;
    const bound = bindRule(line, words, this.modules);
    this.report(bound.faults);
    if (!line.usable || hasError(words.faults) || hasError(bound.faults)) return;
    this.rules += bound.rules.length;
    this.report(table.apply(command, bound, words.counters));
  }

  private surroundingsIn(table: TableDraft): Surroundings {
    return {
      registry: REGISTRIES[this.family],
      family: this.family,
      table: table.name,
      hosts: this.options.hosts,
      ...this.known,
      mayBeOlder: this.mayBeOlder,
      chains: table.chains,
      isBuiltin: (name) => table.isBuiltin(name),
    };
  }
}

function noCommand({ range }: RuleLine): Diagnostic {
  return problem('no-command', range, 'the line has no command', 'rules are appended with -A CHAIN');
}

const TABLES: readonly TableName[] = ['filter', 'nat', 'mangle', 'raw', 'security'];

function tableName(text: string | undefined): TableName | undefined {
  return TABLES.find((name) => name === text);
}
