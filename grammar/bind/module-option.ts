import type { ModuleContext, OptionSpec, Parsed } from '../modules/define.js';
import type { SourceRange } from '../model/diagnostic.js';
import type { Code, Word } from '../syntax/index.js';
import type { FlagEntry } from './registry.js';
import type { KnownUse } from './rule-words.js';

/** The words still to come, and where to report what is wrong with them. */
export interface WordSource {
  readonly context: ModuleContext;
  /** Whether the text may be one that iptables before 1.8.10 saved. */
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
  if (spec.value.arity === 0 && glued !== undefined) {
    return source.stop('unknown-option', word, `"${spec.flag}" takes no value`);
  }
  const values = takeWords(source, spec.value.arity, word, glued);
  if (values === undefined) return;
  if (inverted && !spec.invertible) source.fault('bad-inversion', word, `"!" cannot stand before ${spec.flag}`);
  if (use.given[key] !== undefined && !spec.repeatable) {
    source.fault('repeated-option', word, `${spec.flag} is given twice`);
  }
  const other = excluded(use, key, spec.excludes);
  if (other !== undefined) source.fault('excluded-option', word, `${spec.flag} cannot stand beside ${other}`);
  const { context } = source;
  const texts = values.map(({ text }) => text);
  const parsed = parseValue(source, spec, values.length === 0 ? word : span(values), texts);
  const read = texts.length === 1 ? texts[0] : texts.join('\n');
  use.text += `\n${inverted ? '!' : ''}${key} ${context.protocol?.number ?? ''} ${read}`;
  if ('value' in parsed) {
    use.given[key] = { value: parsed.value, inverted };
    return;
  }
  if (values[0]?.text === '!') return source.stop('bad-inversion', values[0], `"!" must stand before ${spec.flag}`);
  source.fault('bad-value', values.length === 0 ? word : span(values), `${spec.flag}: ${parsed.error}`);
  use.given[key] = UNREAD;
  use.broken = true;
}

/**
 * The value as iptables 1.8.11 reads it. Ranges that it refuses because they end before they start are in dumps that
 * older versions saved, and such a dump must be readable: there the option holds for nothing.
 */
function parseValue(
  source: WordSource,
  { flag, value }: OptionSpec<unknown>,
  at: SourceRange,
  texts: readonly string[],
): Parsed<unknown> {
  const parsed = value.parse(texts, source.context);
  if ('value' in parsed || !source.mayBeOlder) return parsed;
  const older = value.parse(texts, { ...source.context, takesReversedRanges: true });
  if ('error' in older) return parsed;
  const hint = 'iptables refuses it since 1.8.10; did you mean the range the other way round?';
  source.warn('reversed-range', at, `${flag}: "${texts.join(' ')}" ends before it starts: nothing is in it`, hint);
  return older;
}

/** Stands for a value that could not be read, so that its option does not count as missing. */
const UNREAD = { value: undefined, inverted: false };

function takeWords(source: WordSource, arity: number, word: Word, glued: string | undefined): Word[] | undefined {
  const values: Word[] = [];
  for (let i = 0; i < arity; i++) {
    const value = i === 0 ? firstWord(source, word, glued) : source.nextPlainWord();
    if (value === undefined) {
      const need = arity === 1 ? 'a word' : `${arity} words`;
      source.stop('missing-argument', word, `"${word.text}" needs ${need} behind it`);
      return undefined;
    }
    values.push(value);
  }
  return values;
}

function firstWord(source: WordSource, word: Word, glued: string | undefined): Word | undefined {
  return glued === undefined ? source.nextWord() : { ...word, text: glued };
}

function excluded(use: KnownUse, key: string, excludes: readonly string[]): string | undefined {
  const { options } = use.entry.module;
  const other = Object.keys(use.given).find(
    (given) => given !== key && (excludes.includes(given) || options[given].excludes.includes(key)),
  );
  return other === undefined ? undefined : options[other].flag;
}

function span(words: readonly Word[]): SourceRange {
  const [first] = words;
  const last = words[words.length - 1];
  return { line: first.line, column: first.column, length: last.column + last.length - first.column };
}
