import type { BoundMatch, BoundTarget } from '../model/ruleset.js';
import type { Given, MatchModule, ModuleContext, OptionSpec, TargetModule } from '../modules/define.js';
import { WordCursor, type Word } from '../syntax/index.js';
import { boundMatch, boundTarget, hookNeeds, moduleFaults, useWords, type HookNeed } from './bind-module.js';
import { CORE_BY_NAME } from './core-options.js';
import { excluded } from './module-option.js';
import { Recall } from './recall.js';
import type { Entry } from './registry.js';
import type { KnownUse } from './rule-words.js';
import { SavedMatch, type SavedOptions } from './saved-texts.js';

/** A use of a module that nothing is to be said of, with the hooks below which alone it may stand. */
export interface SavedUse<T> {
  readonly bound: T;
  readonly needs: readonly HookNeed[];
}

/** What the options of modules meant in one context, by their text. */
export class SavedModules {
  private readonly matches = new Map<Entry<MatchModule>, Remembered<MatchModule, BoundMatch>>();
  private readonly targets = new Map<Entry<TargetModule>, Remembered<TargetModule, BoundTarget>>();

  constructor(
    private readonly text: string,
    private readonly context: ModuleContext,
  ) {}

  /** The match of the words from the cursor's place up to `to`; undefined where they need a closer look. */
  match(entry: Entry<MatchModule>, cursor: WordCursor, to: number): SavedUse<BoundMatch> | undefined {
    let known = this.matches.get(entry);
    if (known === undefined) this.matches.set(entry, (known = this.remembered(entry)));
    const { options, uses } = known;
    const from = cursor.after;
    const text = uses.isOpen ? cursor.text.slice(from, to) : undefined;
    const before = text === undefined ? undefined : uses.get(text);
    if (before !== undefined) return before;
    const use = this.sound(options.read(cursor, to));
    if (use === undefined) return undefined;
    const needs = hookNeeds(use);
    if (text !== undefined) return uses.set(text, { bound: boundMatch(use, this.context), needs });
    const condition = entry.module.condition(use.given, this.context);
    return { bound: new SavedMatch(entry.module.name, condition, options, from, to), needs };
  }

  /** The same for a target. */
  target(entry: Entry<TargetModule>, cursor: WordCursor, to: number): SavedUse<BoundTarget> | undefined {
    let known = this.targets.get(entry);
    if (known === undefined) this.targets.set(entry, (known = this.remembered(entry)));
    const { options, uses } = known;
    const text = uses.isOpen ? cursor.text.slice(cursor.after, to) : undefined;
    const before = text === undefined ? undefined : uses.get(text);
    if (before !== undefined) return before;
    const use = this.sound(options.read(cursor, to));
    if (use === undefined) return undefined;
    const saved = { bound: boundTarget(use, this.context), needs: hookNeeds(use) };
    return text === undefined ? saved : uses.set(text, saved);
  }

  /** The use, if nothing is to be said of it. */
  private sound<M extends MatchModule | TargetModule>(use: KnownUse<M> | undefined): KnownUse<M> | undefined {
    return use === undefined || moduleFaults(use, this.context).length > 0 ? undefined : use;
  }

  private remembered<M extends MatchModule | TargetModule, T>(entry: Entry<M>): Remembered<M, T> {
    return { options: new ModuleOptions(this.text, entry, this.context), uses: new Recall() };
  }
}

/** The uses of a module so far. */
interface Remembered<M extends MatchModule | TargetModule, T> {
  readonly options: ModuleOptions<M>;
  readonly uses: Recall<SavedUse<T>>;
}

/** Reads the options of a module where they stand in a text. */
class ModuleOptions<M extends MatchModule | TargetModule> implements SavedOptions {
  private readonly cursor: WordCursor;

  constructor(
    text: string,
    private readonly entry: Entry<M>,
    private readonly context: ModuleContext,
  ) {
    this.cursor = new WordCursor(text);
  }

  read(cursor: WordCursor, to: number): KnownUse<M> | undefined {
    return readOptions(this.entry, cursor, to, this.context);
  }

  words(from: number, to: number): readonly string[] {
    this.cursor.open(from, to);
    const use = this.read(this.cursor, to);
    if (use === undefined) throw new Error('options that were read once cannot be read again');
    return useWords(use, this.context);
  }
}

/** The options of a module, each by its full name and once; undefined for anything else. */
function readOptions<M extends MatchModule | TargetModule>(
  entry: Entry<M>,
  cursor: WordCursor,
  to: number,
  context: ModuleContext,
): KnownUse<M> | undefined {
  // Not all that looks at the rest of the rule is worth a short way.
  if (entry.module.checkRule !== undefined) return undefined;
  const given: Record<string, Given<unknown>> = {};
  const use: KnownUse<M> = { kind: 'known', entry, at: NOWHERE, given, read: [], broken: false };
  let inverted = false;
  while (cursor.after < to && cursor.next()) {
    if (cursor.quoted) return undefined;
    const flag = cursor.word();
    if (flag === '!') {
      if (inverted) return undefined;
      inverted = true;
      continue;
    }
    const option = CORE_FLAGS.has(flag) ? undefined : entry.flags.get(flag);
    if (option === undefined || !mayStand(use, option.key, option.spec, inverted)) return undefined;
    const texts = takeTexts(option.spec, cursor, to);
    if (texts === undefined) return undefined;
    const parsed = option.spec.value.parse(texts, context);
    if ('error' in parsed) return undefined;
    given[option.key] = { value: parsed.value, inverted };
    inverted = false;
  }
  return inverted || cursor.odd ? undefined : use;
}

const CORE_FLAGS: ReadonlySet<string> = new Set([...CORE_BY_NAME.keys()].map((name) => `--${name}`));

/** Stands for the place of words that nothing is to be said of. */
export const NOWHERE: Word = { line: 0, column: 0, length: 0, text: '', raw: '' };

function mayStand(use: KnownUse, key: string, spec: OptionSpec<unknown>, inverted: boolean): boolean {
  if (use.given[key] !== undefined || spec.ends.length > 0 || (inverted && !spec.invertible)) return false;
  return excluded(use, key, spec.excludes) === undefined;
}

const NO_TEXTS: readonly string[] = [];

/** The words behind an option, none of which could be meant for an option or a `!`. */
function takeTexts({ value }: OptionSpec<unknown>, cursor: WordCursor, to: number): readonly string[] | undefined {
  const { arity } = value;
  if (value.optional === true) return undefined;
  if (arity === 0) return NO_TEXTS;
  const first = takeText(cursor, to);
  if (first === undefined || arity === 1) return first === undefined ? undefined : [first];
  const texts = [first];
  while (texts.length < arity) {
    const text = takeText(cursor, to);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

const DASH = 0x2d;
const EXCLAMATION = 0x21;

function takeText(cursor: WordCursor, to: number): string | undefined {
  if (cursor.after >= to || !cursor.next()) return undefined;
  const first = cursor.length === 0 ? 0 : cursor.code(0);
  return first === DASH || first === EXCLAMATION ? undefined : cursor.word();
}
