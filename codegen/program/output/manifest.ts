import { createHash } from 'node:crypto';
import { printSets } from '../../../grammar/sets/index.js';
import { entryName, type Common } from '../common.js';
import { EVENT_TAIL } from '../log.js';
import type { Asks, CompileOptions, EventLayout, EventRule, Manifest } from '../manifest.js';
import type { AskPlan } from '../netfilter/ask-plan.js';
import { BEGIN } from '../netfilter/ask.js';
import { GUARD } from '../netfilter/notes.js';
import { OBSERVER } from '../netfilter/shadow.js';
import { setNotes } from '../sets/notes.js';
import { COMPILER } from '../version.js';
import { hookAssumptions } from './assumptions.js';
import type { Built } from './built.js';
import { needs } from './needs.js';

/** What an object says of itself. */
export function buildManifest(built: Built, options: CompileOptions): Manifest {
  const { analyses, programs, common } = built;
  const source = options.source ?? '';
  const [analysis] = analyses;
  const deferred = analyses.flatMap(({ rules }) =>
    rules.flatMap(({ rule, undecided }) =>
      undecided.map((why) => ({
        chain: rule.chain,
        number: rule.number,
        line: rule.rule.range.line,
        reason: why.reason,
      })),
    ),
  );
  const fields = Object.fromEntries(common.layout.offsets);
  const logs = programs.some((program) => program.logs);
  return {
    format: 1,
    compiler: COMPILER,
    family: analysis.ruleset.family,
    table: analysis.table,
    programs: analyses.map(({ chain }) => ({ name: entryName(chain), chain })),
    ...residualParts(common),
    ...setParts(common),
    ...rememberingParts(built),
    hook: analysis.hook,
    mode: analysis.mode,
    fragments: analysis.fragments,
    reject: analysis.reject,
    vlan: analysis.vlan,
    sourceFile: options.sourceFile ?? analysis.ruleset.file ?? 'rules',
    sourceHash: createHash('sha256').update(source).digest('hex'),
    source,
    counters: common.counters.entries,
    assumptions: [
      ...new Set(analyses.flatMap((one) => [...one.assumptions, ...hookAssumptions(one, common)])),
      ...setNotes(common.sets.sets),
    ],
    deferred,
    ...(logs ? { event: eventLayout(built, fields) } : {}),
    needs: needs(built, logs),
  };
}

function rememberingParts({ common: { memory } }: Built): Pick<Manifest, 'recent' | 'hashlimit'> {
  const lists = memory.recent
    .all()
    .map(({ name, map, layout }) => ({ list: name, map: map.name, entries: layout.entries }));
  const tables = memory.hashlimit.all().map(({ name, entries }) => ({ table: name, map: entries.name }));
  return {
    ...(lists.length === 0 ? {} : { recent: lists }),
    ...(tables.length === 0 ? {} : { hashlimit: tables }),
  };
}

function setParts({ sets }: Common): Pick<Manifest, 'sets'> {
  if (sets.size === 0) return {};
  const text = printSets(sets.sets.map(({ set }) => set));
  return { sets: { text, maps: sets.sets.map(({ set, map }) => ({ set: set.name, map })) } };
}

function residualParts({ notes, shadow, asks }: Common): Pick<Manifest, 'residual' | 'asks' | 'shadow'> {
  return {
    ...(shadow ? { shadow: { observer: OBSERVER } } : {}),
    ...(notes.isEmpty ? {} : { residual: { guard: GUARD, rules: notes.rules } }),
    ...(asks.questions.length === 0 ? {} : { asks: asksOf(asks) }),
  };
}

function asksOf({ questions, rehearsals, estimators }: AskPlan): Asks {
  return {
    begin: BEGIN,
    questions,
    ...(estimators.length === 0 ? {} : { estimators }),
    ...(rehearsals.length === 0 ? {} : { rehearsals }),
  };
}

function eventLayout(
  { analyses, common: { layout, counters, traces } }: Built,
  fields: Readonly<Record<string, number>>,
): EventLayout {
  const owner = layout.facts.get('owner');
  const rules = new Map<number, EventRule>();
  for (const { rule } of analyses.flatMap(({ rules: all }) => all)) {
    const { effect } = rule.rule.target;
    if (effect.kind !== 'log') continue;
    const { kind: _kind, ...how } = effect;
    rules.set(counters.of(rule), { rule: counters.of(rule), ...how });
  }
  return {
    bytes: layout.bytes,
    fields,
    ...(owner === undefined ? {} : { owner }),
    tail: EVENT_TAIL,
    rules: [...[...rules.values()].sort((a, b) => a.rule - b.rule), ...(traces?.events ?? [])],
  };
}
