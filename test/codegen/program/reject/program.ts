import { inSet, TRUE, type Condition } from '../../../../grammar/model/condition.js';
import { intervals } from '../../../../grammar/model/interval.js';
import type { Rule, Ruleset, RejectType } from '../../../../grammar/model/ruleset.js';
import { compile } from '../../../../codegen/program/index.js';
import type { RejectPolicy } from '../../../../codegen/program/manifest.js';
import type { View } from '../../../../codegen/program/view.js';

const TCP = 6n;
/** A protocol that no packet of the tests has. */
const NOBODY = 254n;

const protocol = (number: bigint): Condition => inSet('proto', intervals([number, number]));

function rule(line: number, head: Condition, type: RejectType | 'accept'): Rule {
  const source = `-A INPUT -j ${type}`;
  return {
    range: { line, column: 1, length: source.length },
    source,
    headWords: [],
    head,
    matches: [],
    target: {
      name: type === 'accept' ? 'ACCEPT' : 'REJECT',
      words: [],
      effect: type === 'accept' ? { kind: 'accept' } : { kind: 'reject', type },
    },
  };
}

/** One rule a type; all but the last are for protocols 200, 201, …, so that the last one decides what is sent. */
function rulesOf(types: readonly RejectType[]): readonly Rule[] {
  const reads = rule(1, protocol(NOBODY), 'accept');
  return [
    reads,
    ...types.map((type, index) => {
      if (type === 'tcp-reset') return rule(index + 2, protocol(TCP), type);
      return rule(index + 2, index === types.length - 1 ? TRUE : protocol(BigInt(200 + index)), type);
    }),
  ];
}

/** An object whose chain rejects every packet with the last of `types` (and TCP with a reset, if that is among them). */
export function rejectingObject(view: View, types: readonly RejectType[], reject: RejectPolicy = 'answer'): Uint8Array {
  const { chain, family, hook } = view;
  const range = { line: 1, column: 1, length: 1 };
  const ruleset: Ruleset = {
    family,
    dialect: 'legacy',
    tables: [
      {
        name: 'filter',
        range,
        chains: (['INPUT', 'FORWARD', 'OUTPUT'] as const).map((name) => ({
          name,
          policy: 'ACCEPT',
          rules: name === chain ? rulesOf(types) : [],
        })),
      },
    ],
  };
  const result = compile(ruleset, { hook, chain, reject });
  if (!result.ok) throw new Error(result.diagnostics.map((diagnostic) => diagnostic.message).join('\n'));
  return result.object;
}
