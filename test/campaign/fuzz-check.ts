import { isDeepStrictEqual } from 'node:util';
import { bind, CODES, parseDump, printDump, type Diagnostic, type Rule, type Ruleset } from '../../grammar/index.js';
import { all, TRUE, type Condition } from '../../grammar/model/condition.js';
import { FIELDS } from '../../grammar/model/fields.js';
import { plainDump, plainLines } from '../support/plain-dump.js';
import type { FuzzInput } from './fuzz-input.js';

/** What is wrong with how an input was read; undefined where nothing is. */
export function faultOf({ text, family }: FuzzInput): string | undefined {
  const { ruleset, diagnostics } = parseDump(text, { family });
  const long = bind(plainLines(text), { family });
  if (!isDeepStrictEqual(plainDump({ ruleset, diagnostics }), plainDump(long)))
    return 'the short way to a rule makes another one of it';
  const lines = text.split('\n');
  const odd = diagnostics.find((diagnostic) => !isSound(diagnostic, lines));
  if (odd !== undefined) return `an odd diagnostic: ${JSON.stringify(odd)}`;
  if (diagnostics.some(({ severity }) => severity === 'error')) return undefined;
  // Read again below the header of an older version alone, which is not printed.
  if (diagnostics.some(({ code }) => code === 'reversed-range')) return undefined;
  return NOT_PRINTED.test(text) ? undefined : printFault(ruleset);
}

function isSound({ code, line, column, length, message, severity }: Diagnostic, lines: readonly string[]): boolean {
  if (!(code in CODES) || !['error', 'warning', 'info'].includes(severity) || message === '') return false;
  // The end of the file has a place of its own.
  if (line === lines.length + 1 || (line === lines.length && lines[line - 1] === '')) return column === 1;
  const text = lines[line - 1];
  return text !== undefined && column >= 1 && length >= 0 && column - 1 + length <= text.length + 1;
}

/** Text that the tool prints, too, and that it cannot read or that means something else to it (docs/dialect.md). */
const NOT_READABLE =
  /"[^"\n]*\n|--hashlimit-burst \d+[km]b|--weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun|--ulog-cprange 0\b|(--rateest-[lge][tq]) .*\1|--rateest-ewmalog (?:0us|\d{4,}\.\ds)|--hashlimit-\w+ 0b\/s|-m ipcomp(?! (?:! )?--ipcompspi)|-prefix -1|MASQUERADE --to-ports \d+-\d+\/0|-j [SD]NPT(?! --src-pfx \S+ --dst-pfx )/;

/** Tests that hold for no packet, and that the tool does not print. */
const NOT_PRINTED = /--tcp-flags[= ]"?NONE(?! NONE)/;

/** Bytes of a line that can be read again. */
const LINE_BYTES = 10_239;

/** Printed text must be read without errors, print as itself, and mean the same. */
function printFault(ruleset: Ruleset): string | undefined {
  const printed = printDump(ruleset);
  if (NOT_READABLE.test(printed) || printed.split('\n').some((line) => line.length >= LINE_BYTES)) return undefined;
  const again = parseDump(printed, { family: ruleset.family });
  const error = again.diagnostics.find(({ severity }) => severity === 'error');
  if (error !== undefined) return `the printed text is refused: ${error.message}\n${printed}`;
  const second = printDump(again.ruleset);
  if (second !== printed) return `the printed text prints as another:\n${printed}\n${second}`;
  const after = rulesOf(again.ruleset);
  const changed = rulesOf(ruleset).some((rule, i) => !isDeepStrictEqual(meaning(rule, rule), meaning(after[i], rule)));
  return changed ? `the printed text means something else:\n${printed}` : undefined;
}

function rulesOf({ tables }: Ruleset): readonly Rule[] {
  return tables.flatMap(({ chains }) =>
    chains.toSorted((a, b) => (a.name < b.name ? -1 : 1)).flatMap(({ rules }) => rules),
  );
}

/** Of a rule, or of what it was read as again; `-p all` of IPv6 drops what has no header, and is not printed. */
function meaning({ head, matches, target }: Rule, { headWords, source }: Rule): unknown {
  const forgets = /-p|--p/.test(source) && !headWords.includes('-p');
  return {
    head: forgets ? undefined : head,
    matches: matches.map(({ condition }) => plain(condition)),
    effect: target.effect,
  };
}

/** Without tests that every value passes: an option that asks for the full range is often not printed. */
function plain(condition: Condition): Condition {
  if (condition.kind === 'in') return isFull(condition) ? TRUE : condition;
  if (condition.kind !== 'all') return condition;
  return all(...condition.of.map(plain).filter((part) => !isDeepStrictEqual(part, TRUE)));
}

function isFull({ field, mask, set }: Extract<Condition, { kind: 'in' }>): boolean {
  const { bits } = FIELDS[field];
  return mask === undefined && typeof bits === 'number' && set[0]?.lo === 0n && set[0].hi === (1n << BigInt(bits)) - 1n;
}
