import { createHash } from 'node:crypto';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import { DEFAULT_RECENT_ENTRIES } from '../../grammar/model/memory.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { printSets } from '../../grammar/sets/index.js';
import { assemble } from '../bytecode/assemble.js';
import type { MapSpec, ObjectSpec } from '../object/spec.js';
import { writeObject } from '../object/write.js';
import { analyseChains, refusals, type Analysis } from './analysis.js';
import { TooLargeError } from './chain-limits.js';
import { countersMap } from './counters.js';
import type { ChainPlan, EngineTables, OptimizerPlan } from './engine/index.js';
import { isSocketHook } from './place.js';
import { socketAssumptions } from './socket-notes.js';
import { CAST_KFUNC, DEVICE_STRUCTS } from './device-name.js';
import { EVENT_TAIL, eventMaps } from './log.js';
import type { Asks, CompileOptions, EventLayout, EventRule, Hook, Manifest, Question } from './manifest.js';
import type { AskPlan } from './netfilter/ask-plan.js';
import { askEntries, ASKED_MAP, BEGIN, MOST_ASKED } from './netfilter/ask.js';
import { generateRehearsal, type RehearsalProgram } from './netfilter/rehearsal.js';
import { GUARD, NOTE_MAPS, noteEntries } from './netfilter/notes.js';
import { lookupKfuncs, lookupOf } from './lookup.js';
import { DYNPTR_KFUNC, NETFILTER_STRUCTS } from './netfilter/structs.js';
import { commonOf, entryName, type Common } from './common.js';
import { generate, type Program } from './program.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import { OBSERVER, observerEntry, SHADOW_STRUCTS, shadowMaps } from './netfilter/shadow.js';
import type { ReachableRule } from './reachable.js';
import { rejectNeeds } from './reject/index.js';
import { SET_FEATURE, setNotes } from './sets/notes.js';
import { helperNeeds } from './helper-needs.js';
import { TRACE_STRUCT } from './trace.js';
import { COMPILER } from './version.js';
import { OWN_STATE_STRUCTS, readsOwnState } from './wire-state.js';

export type { CompileOptions, Manifest } from './manifest.js';
export type { ChainPlan, OptimizerPlan, StretchPlan } from './engine/index.js';
export { analyse } from './analysis.js';

const DEFAULT_HZ = 250;

/** An object, or why there is none: a diagnostic of code `not-exact` for each rule that the hook cannot decide. */
export type CompileResult =
  | {
      readonly ok: true;
      /** The ELF file. */
      readonly object: Uint8Array;
      readonly spec: ObjectSpec;
      readonly manifest: Manifest;
      /** How each chain is judged. */
      readonly plans: readonly ChainPlan[];
      /** What the optimizer has made of each program; nothing where it did not run. */
      readonly optimizer: readonly OptimizerPlan[];
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/**
 * Compiles one chain of a ruleset for a hook, at netfilter all chains of the table if none is named; refuses, with a
 * diagnostic a rule, what cannot be decided there.
 */
export function compile(ruleset: Ruleset, options: CompileOptions): CompileResult {
  const result = analyseChains(ruleset, options);
  if (!result.ok) return result;
  const { analyses } = result;
  const warnings = analyses.flatMap((analysis) => analysis.warnings);
  const errors = withoutRepeats(analyses.flatMap((analysis) => (analysis.mode === 'exact' ? refusals(analysis) : [])));
  if (errors.length > 0) return { ok: false, diagnostics: [...errors, ...warnings] };
  const { hz = DEFAULT_HZ, recentEntries = DEFAULT_RECENT_ENTRIES, engine } = options;
  const shadow = options.shadow === true && options.hook === 'netfilter';
  const common = commonOf(analyses, hz, recentEntries, engine, shadow, options.optimize);
  if (common.asks.questions.length > MOST_ASKED) return tooManyQuestions(common.asks.questions);
  const divided = common.asks.divided(analyses);
  if (divided !== undefined) return dividedMemory(divided);
  try {
    const programs = analyses.map((analysis) => generate(analysis, common));
    const rehearsals = analyses.flatMap((analysis) => generateRehearsal(analysis, common) ?? []);
    const built: Built = { analyses, programs, rehearsals, common };
    const manifest = buildManifest(built, options);
    const spec = buildSpec(built, manifest);
    const object = writeObject(spec);
    const { plans } = common;
    return { ok: true, object, spec, manifest, plans, optimizer: optimizerPlans(common), diagnostics: warnings };
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    const names = analyses.map(({ chain }) => chain).join(', ');
    const message = `chain ${names} is larger than one eBPF program can be`;
    const place = { line: 1, column: 1, length: 1 } as const;
    const linear = engine === 'linear' && options.mode !== 'early';
    const hint = linear ? { hint: 'try --engine auto, which looks long chains up in a table' } : {};
    return { ok: false, diagnostics: [{ ...place, code: 'too-large', severity: 'error', message, ...hint }] };
  }
}

function optimizerPlans({ optimized }: Common): readonly OptimizerPlan[] {
  return [...optimized].map(([program, { simplified, removed, inlined }]) => ({
    program,
    simplified,
    removed: [...removed].map(([{ chain, number }, why]) => ({ chain, number, why })),
    inlined: [...inlined],
  }));
}

function tooManyQuestions(questions: readonly Question[]): CompileResult {
  const message = `iptables would have to be asked ${questions.length} questions in front of the programs, more than ${MOST_ASKED}`;
  const sets = questions.some(({ words }) => words[1] === 'set');
  const hint = sets
    ? 'give the IP sets with --ipset, so that the object answers itself'
    : `keep to ${MOST_ASKED} rules that iptables is asked for, or keep iptables for these chains`;
  const place = { line: 1, column: 1, length: 1 } as const;
  return { ok: false, diagnostics: [{ ...place, code: 'not-exact', severity: 'error', message, hint }] };
}

function dividedMemory({ chain, number, rule }: ReachableRule): CompileResult {
  const message = `rule ${number} of chain ${chain} cannot be decided exactly at netfilter: its memory would be with iptables for one chain and with the object for another one`;
  const hint = 'count connections in a chain that no other built-in chain comes to';
  return { ok: false, diagnostics: [{ ...rule.range, code: 'not-exact', severity: 'error', message, hint }] };
}

/** Analyses, all of one table and hook, and what became of them. */
interface Built {
  readonly analyses: readonly Analysis[];
  readonly programs: readonly Program[];
  readonly rehearsals: readonly RehearsalProgram[];
  readonly common: Common;
}

/** A rule that several chains come to is refused once for each reason. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ line, message }) => {
    const key = `${line} ${message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function usesDevices({ analyses }: Built): boolean {
  return analyses.some(({ used }) => used.has('iif') || used.has('oif'));
}

function buildSpec(built: Built, manifest: Manifest): ObjectSpec {
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
  return {
    license: 'GPL',
    program: {
      section: sectionOf(analyses[0]),
      entries: [
        ...programs.map(({ entry }, index) => ({
          name: entry.name,
          ...(index === 0 ? {} : otherSection(analyses[0], analyses[index])),
          linkage: 'global' as const,
          params: entry.params,
          instructions: assemble(entry.name, entry.code),
        })),
        ...(common.notes.isEmpty ? [] : noteEntries(common.notes.questions)),
        ...(common.shadow ? [observerEntry()] : []),
        ...askEntries(common.asks.questions),
        ...built.rehearsals.map(({ entry }) => entry),
      ],
      functions: [...functions.values()].map((f) => ({
        name: f.name,
        linkage: 'global',
        params: f.params,
        instructions: assemble(f.name, f.instructions),
      })),
    },
    maps,
    ...(data === undefined ? {} : { data }),
    ...kernelParts(built, analyses[0].hook),
    manifest: JSON.stringify(manifest),
    sourceFile: manifest.sourceFile,
  };
}

function diagramFunctions({ tables, layout, counters }: Common): ReturnType<EngineTables['functions']> {
  return tables?.functions(layout.bytes, counters.count) ?? [];
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
    return { kernelStructs, kfuncs: [DYNPTR_KFUNC, ...casts] };
  }
  if (isSocketHook(hook)) return { kernelStructs: NETFILTER_STRUCTS, kfuncs: [CAST_KFUNC] };
  if (built.analyses.some(readsOwnState)) return { kernelStructs: OWN_STATE_STRUCTS, kfuncs: [CAST_KFUNC] };
  const lookups = built.analyses.some((analysis) => lookupOf(analysis) !== undefined) ? lookupKfuncs(hook) : [];
  return usesDevices(built)
    ? { kernelStructs: DEVICE_STRUCTS, kfuncs: [CAST_KFUNC, ...lookups] }
    : { kernelStructs: [], kfuncs: lookups };
}

function buildManifest(built: Built, options: CompileOptions): Manifest {
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

function hookAssumptions(analysis: Analysis, common: Common): readonly string[] {
  const clock = common.memory.assumptions();
  if (isSocketHook(analysis.hook)) return [...clock, ...momentNotes(analysis), ...socketAssumptions(analysis)];
  if (analysis.hook === 'netfilter') {
    const local = 'addresses are local by routing table local alone (-m addrtype asks no other)';
    return [
      ...clock,
      ...momentNotes(analysis),
      ...(common.layout.facts.has('route-type') ? [local] : []),
      placeAssumption(analysis),
      ...((analysis.left?.endings.size ?? 0) > 0 ? [QUEUE_ASSUMPTION] : []),
      ...askAssumptions(common),
    ];
  }
  const notes = ['the device is an Ethernet device, and its frames are addressed to it (no bridge port)'];
  const { family, chain } = analysis.view;
  if (family === 'v6' && (chain === 'INPUT' || chain === 'FORWARD')) {
    notes.push("packets to link-local addresses are for this host (INPUT); other hosts' are not forwarded");
  }
  if (chain === 'POSTROUTING') {
    // net/ipv4/ip_output.c ip_mc_output, net/ipv6/ip6_output.c ip6_finish_output2.
    notes.push(
      'copies of broadcasts and multicasts that come back to this host, which iptables judges, too, are not counted',
    );
  }
  notes.push(...lookupNotes(analysis));
  if (readsOwnState(analysis)) notes.push('connection tracking is switched on in the network namespace of the device');
  notes.push(...clock, ...momentNotes(analysis));
  if (analysis.fragments === 'judge' && analysis.reassembled) {
    notes.push(
      'fragments are judged one by one, where iptables judges the datagram: this may be stricter, never laxer',
    );
  } else if (analysis.fragments !== 'judge') {
    notes.push(`fragments are ${analysis.fragments === 'drop' ? 'dropped' : 'passed unjudged'}`);
  }
  if (analysis.vlan !== 'judge') {
    notes.push(
      `IP packets of other VLANs than 0 are ${analysis.vlan === 'drop' ? 'dropped' : 'passed'}: their device is not known`,
    );
  }
  return notes;
}

function lookupNotes(analysis: Analysis): readonly string[] {
  const lookup = lookupOf(analysis);
  if (lookup === undefined) return [];
  const tracked = 'connections are tracked in no zone, and are in the table before an answer to them can arrive';
  return lookup === 'entries'
    ? [tracked]
    : [tracked, 'no helper expects connections: of TCP and UDP nothing is RELATED'];
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

function askAssumptions({ asks: { questions } }: Common): readonly string[] {
  if (questions.length === 0) return [];
  const first =
    'the residual rules in table mangle stand in front of all others: a packet they were not asked about is dropped';
  const counts = 'elements of IP sets that stay with the kernel count no packets';
  return questions.some(({ words }) => words[1] === 'set') ? [first, counts] : [first];
}

const QUEUE_ASSUMPTION =
  'no program that listens to a queue answers NF_REPEAT: the packet would come to the residual rules alone';

/** What iptables keeps of the judged table. */
function placeAssumption({ table }: Analysis): string {
  const kept = table === 'filter' ? 'keeps no more of it than the residual rules' : 'keeps none of its rules';
  return `the programs stand in the place of table ${table}: iptables ${kept}`;
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

function needs(built: Built, logs: boolean): Manifest['needs'] {
  const { analyses, programs, common } = built;
  const features = ['global functions with memory arguments', 'BTF'];
  let kernel = '5.15';
  features.push(...common.memory.features());
  if (logs) features.push('ring buffer');
  if (common.sets.size > 0) features.push(SET_FEATURE);
  if (analyses[0].hook === 'netfilter') {
    return { kernel: '6.4', features: [...features, 'BPF_PROG_TYPE_NETFILTER', 'kfunc bpf_dynptr_from_skb'] };
  }
  if (isSocketHook(analyses[0].hook)) return { kernel: '6.2', features: [...features, 'kfunc bpf_cast_to_kern_ctx'] };
  if (usesDevices(built) || analyses.some(readsOwnState)) {
    kernel = '6.2';
    features.push('kfunc bpf_cast_to_kern_ctx', 'helper bpf_probe_read_kernel');
  }
  if (analyses.some((analysis) => lookupOf(analysis) !== undefined)) {
    kernel = newer(kernel, '5.18');
    features.push('kfuncs bpf_xdp_ct_lookup and bpf_skb_ct_lookup');
  }
  const code = programs.flatMap(({ entry, functions }) => [entry.code, ...functions.map((f) => f.instructions)]);
  for (const need of helperNeeds(code)) {
    kernel = newer(kernel, need.kernel);
    features.push(need.feature);
  }
  const [{ view }] = analyses;
  const answers = rejectNeeds(
    view,
    programs.flatMap((program) => program.answers),
  );
  if (answers !== undefined) {
    kernel = newer(kernel, answers.kernel);
    features.push(answers.feature);
  }
  return { kernel, features };
}

function newer(a: string, b: string): string {
  const rank = (version: string): number => {
    const [major, minor] = version.split('.').map(Number);
    return major * 1000 + minor;
  };
  return rank(a) >= rank(b) ? a : b;
}

/** What tests on the moment, and on what lies in the packet, take for granted. */
function momentNotes({ asking, time }: Analysis): readonly string[] {
  const notes = new Set<string>();
  for (const { meaning } of asking) {
    visitCondition(meaning.condition, {
      opaque: (test) => {
        if (test.name === 'cpu') notes.add('the processor that a packet comes to first also runs its chain');
        if (test.name !== 'time') return;
        notes.add(`CLOCK_TAI is ${time.taiOffset} s before CLOCK_REALTIME`);
        if (test.test.kernelZone) notes.add(`the kernel's time zone is ${time.minutesWest} minutes west of UTC`);
      },
      payload: (test) => {
        if (test.kind === 'string' && test.algorithm === 'bm') {
          notes.add('packets lie in one piece of memory, or Boyer-Moore passes over what lies in two');
        }
      },
    });
  }
  return [...notes];
}
