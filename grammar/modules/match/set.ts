import { FALSE, invertIf, opaque } from '../../model/condition.js';
import type { CounterTest } from '../../model/ip-set.js';
import { defineMatch, givenWords, option, optionWords } from '../define.js';
import { setUse } from '../value/ipset.js';
import { uint64 } from '../value/number.js';
import { flag } from '../value/text.js';

function oneOf(kind: 'packets' | 'bytes', key: 'Eq' | 'Lt' | 'Gt'): readonly string[] {
  return (['Eq', 'Lt', 'Gt'] as const).filter((other) => other !== key).map((other) => `${kind}${other}`);
}

/** In the order in which they are printed. */
const OPTIONS = {
  set: option('--match-set', setUse, { aliases: ['--set'], invertible: true, required: true, doc: 'is in the set' }),
  nomatch: option('--return-nomatch', flag, { repeatable: true, doc: 'take entries with nomatch for hits' }),
  counters: option('--update-counters', flag, {
    invertible: true,
    repeatable: true,
    doc: 'count in the set (with "!": do not)',
  }),
  subcounters: option('--update-subcounters', flag, {
    invertible: true,
    repeatable: true,
    doc: 'count in the sets of a list (with "!": do not)',
  }),
  packetsEq: option('--packets-eq', uint64, {
    invertible: true,
    excludes: oneOf('packets', 'Eq'),
    doc: 'packet counter of the entry',
  }),
  packetsLt: option('--packets-lt', uint64, { excludes: oneOf('packets', 'Lt'), doc: 'packet counter is less' }),
  packetsGt: option('--packets-gt', uint64, { excludes: oneOf('packets', 'Gt'), doc: 'packet counter is greater' }),
  bytesEq: option('--bytes-eq', uint64, {
    invertible: true,
    excludes: oneOf('bytes', 'Eq'),
    doc: 'byte counter of the entry',
  }),
  bytesLt: option('--bytes-lt', uint64, { excludes: oneOf('bytes', 'Lt'), doc: 'byte counter is less' }),
  bytesGt: option('--bytes-gt', uint64, { excludes: oneOf('bytes', 'Gt'), doc: 'byte counter is greater' }),
};

const COMPARED = ['packetsEq', 'packetsLt', 'packetsGt', 'bytesEq', 'bytesLt', 'bytesGt'] as const;

/** What one of these options compares. */
function counterTest(key: (typeof COMPARED)[number], value: bigint, inverted: boolean): CounterTest {
  const counter = key.startsWith('packets') ? 'packets' : 'bytes';
  if (key.endsWith('Lt')) return { counter, is: 'lt', value };
  if (key.endsWith('Gt')) return { counter, is: 'gt', value };
  return { counter, is: inverted ? 'ne' : 'eq', value };
}

/** Membership of an IP set (net/netfilter/xt_set.c, revision 4). */
export const set = defineMatch({
  name: 'set',
  families: ['v4', 'v6'],
  doc: 'address or port is in an IP set',
  options: OPTIONS,
  print: ({ counters, subcounters, ...options }, context) => {
    // Without "!" the two counter options say what is so anyhow.
    const shown = {
      ...(counters?.inverted === true ? { counters } : {}),
      ...(subcounters?.inverted === true ? { subcounters } : {}),
    };
    return givenWords(OPTIONS, { ...options, ...shown }, context);
  },
  condition: ({ set: use, nomatch, ...options }, context) => {
    if (use === undefined) return FALSE;
    const compared = COMPARED.flatMap((key) => {
      const given = options[key];
      return given === undefined ? [] : optionWords(OPTIONS[key], given, context);
    });
    const tests = COMPARED.flatMap((key) => {
      const given = options[key];
      return given === undefined ? [] : [counterTest(key, given.value, given.inverted)];
    });
    const test = {
      ...use.value,
      returnNomatch: nomatch !== undefined,
      counters: compared,
      ...(tests.length === 0 ? {} : { compared: tests }),
      ...(options.counters?.inverted === true ? { quiet: true as const } : {}),
    };
    return invertIf(use.inverted, opaque({ name: 'set', test }));
  },
});
