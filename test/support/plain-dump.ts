import { readLines, type Line, type ParsedDump } from '../../grammar/index.js';
import { changedMatch, changedRule } from '../../grammar/model/ruleset.js';
import { SavedLine } from '../../grammar/syntax/index.js';

/** What was read, in plain objects alone: rules that were read the short way make their texts when asked for. */
export function plainDump({ ruleset, diagnostics }: ParsedDump): ParsedDump {
  const tables = ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.map((rule) =>
        changedRule(rule, { matches: rule.matches.map((match) => changedMatch(match, {})) }),
      ),
    })),
  }));
  return { ruleset: { ...ruleset, tables }, diagnostics };
}

/** The lines of a text, all of them plain objects: such ones are read by the long way. */
export function plainLines(text: string): readonly Line[] {
  return [...readLines(text)].map((line) => (line instanceof SavedLine ? line.toJSON() : line));
}
