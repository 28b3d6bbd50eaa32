import { createHash } from 'node:crypto';
import { ObjectError } from '../../codegen/object/error.js';
import { readObject } from '../../codegen/object/read.js';
import type { ObjectSpec } from '../../codegen/object/spec.js';
import { countersMap } from '../../codegen/program/counters.js';
import type { Asks, CounterEntry, Manifest, Question, Rehearsal } from '../../codegen/program/manifest.js';
import { askPrograms } from '../../codegen/program/netfilter/residual.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { count, list, member, oneOf, optional, ShapeError, text, type Reader } from './shape.js';

/** Bytes of an object file; more is none of ours. */
export const MOST_OBJECT_BYTES = 256 << 20;
const MOST_COUNTERS = 4 << 20;

/** Hooks at which rulesets can be attached and replaced. */
export type LiveHook = 'xdp' | 'tc' | 'netfilter';

/** What a running ruleset's object says of itself, as far as it is used. */
export type LiveManifest = Pick<
  Manifest,
  | 'compiler'
  | 'family'
  | 'table'
  | 'programs'
  | 'residual'
  | 'asks'
  | 'shadow'
  | 'mode'
  | 'sourceFile'
  | 'sourceHash'
  | 'source'
  | 'counters'
  | 'needs'
  | 'assumptions'
  | 'recent'
  | 'hashlimit'
> & { readonly hook: LiveHook; readonly setsText?: string };

/** An object file whose manifest has been checked against what is in it. */
export interface CheckedObject {
  readonly bytes: Uint8Array;
  readonly spec: ObjectSpec;
  readonly manifest: LiveManifest;
}

const BUILTIN = oneOf('PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING');

const counter: Reader<CounterEntry> = (value, where) => {
  const chain = member(value, 'chain', text, where);
  if (member(value, 'kind', oneOf('rule', 'policy'), where) === 'policy') {
    return { kind: 'policy', chain, policy: member(value, 'policy', oneOf('ACCEPT', 'DROP'), where) };
  }
  const [number, line] = [member(value, 'number', count, where), member(value, 'line', count, where)];
  return { kind: 'rule', chain, number, line, text: member(value, 'text', text, where) };
};

type Residual = NonNullable<Manifest['residual']>;

const residual: Reader<Residual> = (value, where) => ({
  guard: member(value, 'guard', text, where),
  rules: member(
    value,
    'rules',
    list((one, at) => {
      const only = optional(one, 'only', list(text), at);
      return {
        program: member(one, 'program', text, at),
        chains: member(one, 'chains', list(BUILTIN), at),
        target: member(one, 'target', list(text), at),
        ...(only === undefined ? {} : { only }),
      };
    }),
    where,
  ),
});

const question: Reader<Question> = (one, at) => {
  const reach = optional(one, 'reach', text, at);
  return {
    program: member(one, 'program', text, at),
    chains: member(one, 'chains', list(BUILTIN), at),
    words: member(one, 'words', list(text), at),
    ...(reach === undefined ? {} : { reach }),
  };
};

const rehearsal: Reader<Rehearsal> = (one, at) => ({
  program: member(one, 'program', text, at),
  chain: member(one, 'chain', BUILTIN, at),
  places: member(one, 'places', list(count), at),
});

const asks: Reader<Asks> = (value, where) => {
  const questions = member(value, 'questions', list(question), where);
  const rehearsals = optional(value, 'rehearsals', list(rehearsal), where);
  const estimators = optional(value, 'estimators', list(list(text)), where);
  const places = rehearsals?.flatMap((one) => one.places) ?? [];
  if (places.some((index) => questions[index]?.reach === undefined)) {
    throw new ShapeError('a rehearsal names a question that is not there');
  }
  return {
    begin: member(value, 'begin', text, where),
    questions,
    ...(estimators === undefined ? {} : { estimators }),
    ...(rehearsals === undefined ? {} : { rehearsals }),
  };
};

/** The socket filters that rules of iptables ask. */
export function askedPrograms({
  residual: behind,
  asks: before,
}: Pick<LiveManifest, 'residual' | 'asks'>): readonly string[] {
  const names = [
    ...(behind?.rules ?? []).map(({ program }) => program),
    ...(before === undefined ? [] : askPrograms(before)),
  ];
  return [...new Set(names)];
}

function readManifest(json: string): LiveManifest {
  const value: unknown = JSON.parse(json);
  member(value, 'format', oneOf(1));
  const recent: Reader<{ readonly list: string; readonly map: string; readonly entries: number }> = (one, at) => ({
    list: member(one, 'list', text, at),
    map: member(one, 'map', text, at),
    entries: member(one, 'entries', count, at),
  });
  const table: Reader<{ readonly table: string; readonly map: string }> = (one, at) => ({
    table: member(one, 'table', text, at),
    map: member(one, 'map', text, at),
  });
  const given = {
    residual: optional(value, 'residual', residual),
    asks: optional(value, 'asks', asks),
    shadow: optional(value, 'shadow', (one, at) => ({ observer: member(one, 'observer', text, at) })),
    recent: optional(value, 'recent', list(recent)),
    hashlimit: optional(value, 'hashlimit', list(table)),
    setsText: optional(value, 'sets', (sets, at) => member(sets, 'text', text, at)),
  };
  return {
    compiler: member(value, 'compiler', text),
    family: member(value, 'family', oneOf('v4', 'v6')),
    table: member(value, 'table', oneOf('raw', 'mangle', 'nat', 'filter', 'security')),
    programs: member(
      value,
      'programs',
      list((one, at) => ({ name: member(one, 'name', text, at), chain: member(one, 'chain', BUILTIN, at) }), 5),
    ),
    hook: member(value, 'hook', oneOf('xdp', 'tc', 'netfilter')),
    mode: member(value, 'mode', oneOf('exact', 'early')),
    sourceFile: member(value, 'sourceFile', text),
    sourceHash: member(value, 'sourceHash', text),
    source: member(value, 'source', text),
    counters: member(value, 'counters', list(counter, MOST_COUNTERS)),
    assumptions: member(value, 'assumptions', list(text)),
    needs: member(value, 'needs', (needs, at) => ({
      kernel: member(needs, 'kernel', text, at),
      features: member(needs, 'features', list(text), at),
    })),
    ...(given.residual === undefined ? {} : { residual: given.residual }),
    ...(given.asks === undefined ? {} : { asks: given.asks }),
    ...(given.shadow === undefined ? {} : { shadow: given.shadow }),
    ...(given.recent === undefined ? {} : { recent: given.recent }),
    ...(given.hashlimit === undefined ? {} : { hashlimit: given.hashlimit }),
    ...(given.setsText === undefined ? {} : { setsText: given.setsText }),
  };
}

/** What the manifest says against what is there: nothing is loaded of which it says something else. */
function contradiction({ program, maps }: ObjectSpec, manifest: LiveManifest): string | undefined {
  const sections = new Map(program.entries.map(({ name, section }) => [name, section ?? program.section]));
  const { programs, shadow, residual: given, counters, hook, source, sourceHash } = manifest;
  if (programs.length === 0) return 'it names no program';
  for (const { name } of programs) {
    if (sections.get(name) !== hook) return `it names a program ${name} for ${hook}, which is not there`;
  }
  if (given !== undefined && sections.get(given.guard) !== 'netfilter') return `there is no program ${given.guard}`;
  if (shadow !== undefined && sections.get(shadow.observer) !== 'netfilter') {
    return `there is no program ${shadow.observer}`;
  }
  const asked = askedPrograms(manifest);
  const absent = asked.find((name) => sections.get(name) !== 'socket');
  if (absent !== undefined) return `there is no program ${absent}`;
  const known = new Set([...programs.map(({ name }) => name), ...asked])
    .add(given?.guard ?? '')
    .add(shadow?.observer ?? '');
  const unknown = program.entries.find(({ name }) => !known.has(name));
  if (unknown !== undefined) return `it does not name program ${unknown.name}`;
  const map = maps.find(({ name }) => name === 'counters');
  const own = countersMap(counters.length);
  if (map?.maxEntries !== own.maxEntries || map.valueSize !== own.valueSize)
    return 'its counters are not those of the map';
  if (createHash('sha256').update(source).digest('hex') !== sourceHash) return 'its source has another hash';
  return undefined;
}

/** Reads an object file and checks its manifest. Throws `bad-object`; `what` names the file. */
export function checkObject(bytes: Uint8Array, what: string): CheckedObject {
  const refuse = (reason: string): RuntimeError => new RuntimeError('bad-object', `${what}: ${reason}`);
  if (bytes.length > MOST_OBJECT_BYTES) throw refuse('it is larger than any object of this compiler');
  try {
    const spec = readObject(bytes);
    const manifest = readManifest(spec.manifest);
    const reason = contradiction(spec, manifest);
    if (reason !== undefined) throw refuse(`its manifest does not fit: ${reason}`);
    return { bytes, spec, manifest };
  } catch (error) {
    if (error instanceof ObjectError) throw refuse(error.message);
    if (error instanceof ShapeError || error instanceof SyntaxError) throw refuse(`its manifest: ${error.message}`);
    throw error;
  }
}
