import { defineVerbatimMatch, option, type Parsed, type ValueType } from '../define.js';
import { scanUnsigned } from '../value/number.js';
import { flag } from '../value/text.js';

/** Greatest label (XT_CONNLABEL_MAXBIT). */
const MAX_LABEL = 127;

/** A number of which the tool keeps 32 bits and the rule 16 (libxt_connlabel.c `connlabel_value_parse`). */
function parseLabel(word: string): Parsed<number> {
  const scanned = scanUnsigned(word);
  if (scanned?.rest !== '' || BigInt.asIntN(32, scanned.value) < 0n) {
    return { error: `"${word}" is not a number (names of labels are known to the machine alone)` };
  }
  const value = Number(BigInt.asUintN(16, scanned.value));
  return value > MAX_LABEL ? { error: `"${word}" is not a label in 0-${MAX_LABEL}` } : { value };
}

const label: ValueType<number> = {
  arity: 1,
  placeholder: 'label',
  parse: ([word]) => parseLabel(word),
  print: (value) => [String(value)],
};

/** Label of a connection, a bit of 128 (net/netfilter/xt_connlabel.c). */
export const connlabel = defineVerbatimMatch({
  name: 'connlabel',
  families: ['v4', 'v6'],
  doc: 'label of the connection',
  options: {
    label: option('--label', label, { invertible: true, required: true, doc: 'the label is set' }),
    set: option('--set', flag, { doc: 'set it first' }),
  },
});
