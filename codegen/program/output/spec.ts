import { assemble } from '../../bytecode/assemble.js';
import type { FunctionSpec, MapSpec, ObjectSpec } from '../../object/spec.js';
import type { Analysis } from '../analysis.js';
import type { Common } from '../common.js';
import { countersMap } from '../counters.js';
import { CAST_KFUNC, DEVICE_STRUCTS } from '../device-name.js';
import type { EngineTables } from '../engine/index.js';
import { eventMaps } from '../log.js';
import { lookupKfuncs, lookupOf } from '../lookup.js';
import type { Hook, Manifest } from '../manifest.js';
import { askEntries, ASKED_MAP } from '../netfilter/ask.js';
import { NOTE_MAPS, noteEntries } from '../netfilter/notes.js';
import { observerEntry, SHADOW_STRUCTS, shadowMaps } from '../netfilter/shadow.js';
import { DYNPTR_KFUNC, NETFILTER_STRUCTS, READ_KFUNC } from '../netfilter/structs.js';
import { isSocketHook } from '../place.js';
import { TRACE_STRUCT } from '../trace.js';
import { OWN_STATE_STRUCTS, readsOwnState } from '../wire-state.js';
import { usesDevices, type Built } from './built.js';
import { withInlined } from './inline-functions.js';

/** What the object file holds: programs, functions, maps, what they need of the kernel. */
export function buildSpec(built: Built, manifest: Manifest): ObjectSpec {
  const { programs, common, analyses } = built;
  const maps: MapSpec[] = [countersMap(manifest.counters.length)];
  maps.push(...common.memory.maps());
  maps.push(...common.sets.maps());
  if (programs.some(({ logs }) => logs)) maps.push(...eventMaps(common.layout));
  if (!common.notes.isEmpty) maps.push(...NOTE_MAPS);
  if (common.shadow) maps.push(...shadowMaps());
  if (common.asks.questions.length > 0) maps.push(ASKED_MAP);
  const functions = new Map(programs.flatMap((program) => program.functions.map((f) => [f.name, f] as const)));
  for (const f of diagramFunctions(common)) functions.set(f.name, f);
  for (const f of built.rehearsals.flatMap((one) => one.functions)) functions.set(f.name, f);
  const data = common.tables?.data;
  const entries = programs.map(({ entry }) => ({ name: entry.name, params: entry.params, instructions: entry.code }));
  const others = [
    ...(common.notes.isEmpty ? [] : noteEntries(common.notes.questions)),
    ...(common.shadow ? [observerEntry()] : []),
    ...askEntries(common.asks.questions),
    ...built.rehearsals.map(({ entry }) => entry),
  ];
  const code = withInlined([...entries, ...functions.values()], new Set(entries.map(({ name }) => name)), others);
  const assembled = code.map(({ name, params, instructions, inlined }): FunctionSpec => ({
    name,
    linkage: 'global',
    params,
    instructions: assemble(name, instructions),
    ...(inlined.length === 0 ? {} : { inlined }),
  }));
  return {
    license: 'GPL',
    program: {
      section: sectionOf(analyses[0]),
      entries: [
        ...assembled
          .slice(0, entries.length)
          .map((entry, index) => ({ ...entry, ...(index === 0 ? {} : otherSection(analyses[0], analyses[index])) })),
        ...others,
      ],
      functions: assembled.slice(entries.length),
    },
    maps,
    ...(data === undefined ? {} : { data }),
    ...kernelParts(built, analyses[0].hook),
    manifest: JSON.stringify(manifest),
    sourceFile: manifest.sourceFile,
  };
}

function diagramFunctions({ tables, layout, counters }: Common): ReturnType<EngineTables['functions']> {
  const object = { flowBytes: layout.bytes, counters: counters.count, times: layout.visits?.times };
  return tables?.functions(object) ?? [];
}

/** The ELF section of the program of a chain. */
function sectionOf({ hook, chain }: Analysis): string {
  if (hook !== 'cgroup') return hook;
  return chain === 'OUTPUT' ? 'cgroup_skb/egress' : 'cgroup_skb/ingress';
}

function otherSection(first: Analysis, other: Analysis): { readonly section?: string } {
  const section = sectionOf(other);
  return section === sectionOf(first) ? {} : { section };
}

/** What the programs read and call of the kernel itself. */
function kernelParts(built: Built, hook: Hook): Pick<ObjectSpec, 'kernelStructs' | 'kfuncs'> {
  if (hook === 'netfilter') {
    const { notes, asks } = built.common;
    const casts = notes.isEmpty && asks.questions.length === 0 ? [] : [CAST_KFUNC];
    const kernelStructs = built.common.shadow
      ? SHADOW_STRUCTS
      : [...NETFILTER_STRUCTS, ...(built.common.traces === undefined ? [] : [TRACE_STRUCT])];
    return { kernelStructs, kfuncs: [DYNPTR_KFUNC, READ_KFUNC, ...casts] };
  }
  if (isSocketHook(hook)) {
    const kfuncs = hook === 'cgroup' ? [CAST_KFUNC, READ_KFUNC] : [CAST_KFUNC];
    return { kernelStructs: NETFILTER_STRUCTS, kfuncs };
  }
  if (built.analyses.some(readsOwnState)) return { kernelStructs: OWN_STATE_STRUCTS, kfuncs: [CAST_KFUNC] };
  const lookups = built.analyses.some((analysis) => lookupOf(analysis) !== undefined) ? lookupKfuncs(hook) : [];
  return usesDevices(built)
    ? { kernelStructs: DEVICE_STRUCTS, kfuncs: [CAST_KFUNC, ...lookups] }
    : { kernelStructs: [], kfuncs: lookups };
}
