import { endElement, type ModuleContext, type OptionSpec, type Parsed } from '../modules/define.js';
import { CORE_BY_NAME } from './core-options.js';
import type { SourceRange } from '../model/diagnostic.js';
import type { Code, Word } from '../syntax/index.js';
import type { FlagEntry } from './registry.js';
import type { KnownUse } from './rule-words.js';

/** The words still to come, and where to report what is wrong with them. */
export interface WordSource {
  readonly context: ModuleContext;
  /** Whether the text is one that iptables before 1.8.10 saved. */
  readonly mayBeOlder: boolean;
  nextWord(): Word | undefined;
  nextPlainWord(): Word | undefined;
  fault(code: Code, at: SourceRange, message: string, hint?: string): void;
  stop(code: Code, at: SourceRange, message: string, hint?: string): void;
  warn(code: Code, at: SourceRange, message: string, hint?: string): void;
}

/** Takes an option of a module with its words. A value that cannot be read is a fault; the words after it are read on. */
export function takeModuleOption(
  source: WordSource,
  { use, option: { key, spec } }: { readonly use: KnownUse; readonly option: FlagEntry },
  word: Word,
  glued: string | undefined,
  inverted: boolean,
): void {
  if ((spec.value.arity === 0 || spec.value.optional === true) && glued !== undefined) {
    return source.stop('unknown-option', word, `"${spec.flag}" takes no value`);
  }
  const values = spec.value.optional === true ? takeOptional(source) : takeWords(source, spec, word, glued);
  if (values === undefined) return;
  if (inverted && !spec.invertible) source.fault('bad-inversion', word, `"!" cannot stand before ${spec.flag}`);
  if (use.given[key] !== undefined && !spec.repeatable && spec.ends.length === 0) {
    source.fault('repeated-option', word, `${spec.flag} is given twice`);
  }
  const other = use.read.length === 0 ? undefined : excluded(use, key, spec.excludes);
  if (other !== undefined) source.fault('excluded-option', word, `${spec.flag} cannot stand beside ${other}`);
  use.read.push({ key, inverted, protocol: source.context.protocol?.number, at: word, values });
  const parsed = parseValue(source, spec, word, values);
  if ('value' in parsed) {
    if (spec.ends.length > 0) endElement(use.given, key, spec.ends);
    else use.given[key] = { value: parsed.value, inverted: inverted || use.given[key]?.inverted === true };
    return;
  }
  if (values[0]?.text === '!') return source.stop('bad-inversion', values[0], `"!" must stand before ${spec.flag}`);
  const hint = missingValueHint(use, word, values) ?? parsed.hint;
  source.fault('bad-value', span(word, values), `${spec.flag}: ${parsed.error}`, hint);
  use.given[key] = UNREAD;
  use.broken = true;
}

/** An option takes the next word for its value, even one that was meant to be an option. */
function missingValueHint({ entry }: KnownUse, word: Word, values: readonly Word[]): string | undefined {
  const taken = values.find(({ text }) => entry.flags.has(text) || CORE_BY_NAME.has(text.slice(2)));
  return taken === undefined ? undefined : `"${word.text}" lacks its value: "${taken.text}" is taken for it`;
}

/**
 * The value as iptables 1.8.11 reads it. Ranges that it refuses because they end before they start are in dumps that
 * older versions saved, and such a dump must be readable: there the option holds for nothing.
 */
function parseValue(
  source: WordSource,
  { flag, value }: OptionSpec<unknown>,
  word: Word,
  values: readonly Word[],
): Parsed<unknown> {
  const texts = textsOf(values);
  const parsed = value.parse(texts, source.context);
  if ('value' in parsed || !source.mayBeOlder) return parsed;
  const older = value.parse(texts, { ...source.context, takesReversedRanges: true });
  if ('error' in older) return parsed;
  const hint = 'iptables refuses it since 1.8.10; did you mean the range the other way round?';
  source.warn(
    'reversed-range',
    span(word, values),
    `${flag}: "${texts.join(' ')}" ends before it starts: nothing is in it`,
    hint,
  );
  return older;
}

function textsOf(values: readonly Word[]): readonly string[] {
  switch (values.length) {
    case 0:
      return NO_TEXTS;
    case 1:
      return [values[0].text];
    default:
      return values.map(({ text }) => text);
  }
}

const NO_TEXTS: readonly string[] = [];

/** Stands for a value that could not be read, so that its option does not count as missing. */
const UNREAD = { value: undefined, inverted: false };

function takeWords(
  source: WordSource,
  { flag, value: { arity, placeholder } }: OptionSpec<unknown>,
  word: Word,
  glued: string | undefined,
): readonly Word[] | undefined {
  if (arity === 0) return NO_WORDS;
  const values: Word[] = [];
  for (let i = 0; i < arity; i++) {
    const value = i === 0 ? firstWord(source, word, glued) : source.nextPlainWord();
    if (value === undefined) {
      const need = arity === 1 ? 'a word' : `${arity} words`;
      source.stop('missing-argument', word, `"${word.text}" needs ${need} behind it`, `write ${flag} ${placeholder}`);
      return undefined;
    }
    values.push(value);
  }
  return values;
}

const NO_WORDS: readonly Word[] = [];

/** The word of an option whose word may be left out: none that could be an option or a `!`. */
function takeOptional(source: WordSource): Word[] {
  const value = source.nextPlainWord();
  return value === undefined ? [] : [value];
}

function firstWord(source: WordSource, word: Word, glued: string | undefined): Word | undefined {
  return glued === undefined ? source.nextWord() : { ...word, text: glued };
}

/** The flag of an option so far that cannot stand beside this one. */
export function excluded(use: KnownUse, key: string, excludes: readonly string[]): string | undefined {
  const { options } = use.entry.module;
  for (const given in use.given) {
    if (given !== key && (excludes.includes(given) || options[given].excludes.includes(key)))
      return options[given].flag;
  }
  return undefined;
}

/** Where the values of an option are; the option itself if it takes none. */
function span(option: Word, values: readonly Word[]): SourceRange {
  const words = values.length === 0 ? [option] : values;
  const [first] = words;
  const last = words[words.length - 1];
  return { line: first.line, column: first.column, length: last.column + last.length - first.column };
}
