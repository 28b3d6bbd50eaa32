import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { ObjectError } from '../../codegen/object/error.js';
import { readObject } from '../../codegen/object/read.js';
import type { Manifest } from '../../codegen/program/manifest.js';
import { VISITS } from '../../codegen/program/visits/code.js';
import { LoadError } from '../../bpf-runtime/interpreter/fault.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { FALSE } from './bdd.js';
import { ChainProof } from './chain-proof.js';
import type { Difference } from './difference.js';
import { Code } from './object-code.js';
import { reaching } from './reach.js';
import { Specification } from './specification.js';
import { Unprovable, unsupported } from './unprovable.js';
import { EntryProof, type EntryDifference } from './entry-proof.js';
import type { EntryModel, Symbols } from './entry-model.js';
import type { Known } from './flow.js';
import { factsOf } from './inputs.js';
import { NetfilterModel } from './netfilter-model.js';
import { WireModel } from './wire-model.js';

/** What came of a proof. */
export type Proof =
  | { readonly kind: 'proved'; readonly rules: number; readonly shapes: number; readonly nodes: number }
  /** Places where object and rules may differ; whether a packet comes there is another question. */
  | {
      readonly kind: 'differs';
      readonly chain: ChainProof | undefined;
      readonly entry: EntryProof;
      readonly differences: readonly Difference[];
      readonly entryDifferences: readonly EntryDifference[];
    }
  | NotProved;

export interface NotProved {
  readonly kind: 'not-proved';
  readonly reason: string;
  /** The reason is one of diagrams: an object of engine `linear` has none, and its rules are proved one by one. */
  readonly diagrams?: boolean;
}

export interface ProofInput {
  readonly ruleset: Ruleset;
  /** The ELF file: what is in it is proved, and nothing else is looked at. */
  readonly object: Uint8Array;
  readonly manifest: Manifest;
  readonly chain: BuiltinChain;
  /** Without the quick ways that are taken where numbers and ranges say enough: the same answer, later. */
  readonly thorough?: boolean;
}

/**
 * Translation validation (A. Pnueli, M. Siegel, E. Singerman, 1998): whether an object decides and counts every packet of
 * the domain as the rule list says. Never "proved" by default: what is not understood is a reason.
 */
export function prove({ ruleset, object, manifest, chain, thorough = false }: ProofInput): Proof {
  try {
    const specification = new Specification(ruleset, manifest.table, chain, manifest);
    return proveObject(specification, new Code(readObject(object)), thorough);
  } catch (error) {
    if (error instanceof Unprovable) {
      return { kind: 'not-proved', reason: error.message, ...(error.diagrams ? { diagrams: true } : {}) };
    }
    if (error instanceof ObjectError || error instanceof LoadError) {
      return { kind: 'not-proved', reason: `the object cannot be read: ${error.message}` };
    }
    throw error;
  }
}

function proveObject(specification: Specification, code: Code, thorough: boolean): Proof {
  const { manifest, hookChain, ruleset } = specification;
  const { hook } = manifest;
  if (hook !== 'xdp' && hook !== 'tc' && hook !== 'netfilter') throw unsupported(`objects for ${hook}`);
  if (manifest.mode !== 'exact') throw unsupported('early objects');
  const name = manifest.programs.find((program) => program.chain === hookChain)?.name;
  const entry = name === undefined ? undefined : code.functionNamed(name);
  if (entry === undefined) throw unsupported(`the object has no program for chain ${hookChain}`);
  if (code.functions.some((one) => one.name.endsWith(VISITS)))
    throw unsupported('chains that are judged once for all jumps');
  const used = usedOf(specification);
  let chains: ChainProof | undefined;
  const wire = new EntryProof({
    code,
    specification,
    hook,
    model: (symbols: Symbols): EntryModel =>
      hook === 'netfilter' ? new NetfilterModel(symbols, specification) : new WireModel(symbols, specification, hook),
    entry,
    fields: used.fields,
    marks: used.marks,
    answers: used.rejects && manifest.reject === 'answer',
    segment: (layout, placed, part, from) => {
      chains ??= new ChainProof({ family: ruleset.family, code, specification, layout, thorough });
      return chains.segment(placed, part, hookChain, from);
    },
  });
  wire.prove();
  // A difference where no packet gets is none.
  const proof = chains;
  const differences = (proof?.differences ?? []).filter((one) => proof === undefined || reaching(proof, one) !== FALSE);
  if (differences.length > 0 || wire.differences.length > 0) {
    return { kind: 'differs', chain: chains, entry: wire, differences, entryDifferences: wire.differences };
  }
  const nodes = wire.bdd.size + (chains?.bdd.size ?? 0);
  return { kind: 'proved', rules: chains?.rules ?? 0, shapes: wire.model.shapes.length, nodes };
}

interface Used {
  readonly fields: readonly Known[];
  /** Whether some rule sets the mark, and whether some rejects. */
  readonly marks: boolean;
  readonly rejects: boolean;
}

/** What rules of the chain, and of chains that it leads to, read and do. */
function usedOf(specification: Specification): Used {
  const fields = new Set<Known>();
  const seen = new Set<string>();
  let marks = false;
  let rejects = false;
  const open = [specification.hookChain as string];
  for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
    if (seen.has(chain)) continue;
    seen.add(chain);
    for (const rule of specification.rules(chain)) {
      visitCondition(ruleCondition(rule), {
        field: (field) => void fields.add(field),
        opaque: (test) =>
          factsOf(test, { questions: specification.questions, family: specification.ruleset.family }).forEach((fact) =>
            fields.add(fact),
          ),
      });
      const { effect } = rule.target;
      if (effect.kind === 'jump') open.push(effect.chain);
      if (effect.kind === 'mark') marks = true;
      if (effect.kind === 'reject') rejects = true;
    }
  }
  if (marks) fields.add('mark');
  return { fields: [...fields], marks, rejects };
}
