import { all, atLeast, equals, hotdrop, inSet, invertIf, not, TRUE, type Condition } from '../../model/condition.js';
import type { Field } from '../../model/fields.js';
import { option, optionWords, type Given, type ModuleContext, type OptionSpec, type ValueType } from '../define.js';
import { isAllPorts } from '../value/port.js';
import { rangeSet, UINT16, type NumberRange } from '../value/number.js';

/** Not a later fragment: its bytes are payload, and no transport match looks at them. */
export const NOT_LATER_FRAGMENT: Condition = equals('fragoff', 0);

/** A packet without `bytes` of transport header is dropped at once: a rule has asked for it, and it cannot be answered. */
export function headerReadable(bytes: number): Condition {
  return hotdrop(not(atLeast('l4len', bytes)));
}

/** The options for ports that every transport match begins with. */
export function portOptions(
  ports: ValueType<NumberRange>,
): Readonly<Record<'sport' | 'dport', OptionSpec<NumberRange>>> {
  return {
    sport: option('--sport', ports, { aliases: ['--source-port'], invertible: true, doc: 'source port or range' }),
    dport: option('--dport', ports, {
      aliases: ['--destination-port'],
      invertible: true,
      doc: 'destination port or range',
    }),
  };
}

/** Port within the range, or outside if inverted; true where the option was not given. */
export function portIn(field: Field, given: Given<NumberRange> | undefined): Condition {
  if (given === undefined || (isAllPorts(given.value) && !given.inverted)) return TRUE;
  const { lo, hi } = given.value;
  return invertIf(given.inverted, lo === hi ? portIs(field, lo) : inSet(field, rangeSet(given.value)));
}

/** Tests of one port by field and number: large dumps name the same ports again and again. */
const portTests = new Map<Field, (Condition | undefined)[]>();

function portIs(field: Field, port: number): Condition {
  let tests = portTests.get(field);
  if (tests === undefined) portTests.set(field, (tests = new Array<Condition | undefined>(UINT16 + 1)));
  return (tests[port] ??= equals(field, port));
}

/** All of the tests, those left out that every packet passes. */
export function allTests(...tests: readonly Condition[]): Condition {
  return all(...tests.filter((test) => test !== TRUE));
}

/** Canonical words of a port option; all ports is no test and is not printed (unlike its inversion). */
export function portWords(
  spec: OptionSpec<NumberRange>,
  given: Given<NumberRange> | undefined,
  context: ModuleContext,
): readonly string[] {
  if (given === undefined || (isAllPorts(given.value) && !given.inverted)) return [];
  return optionWords(spec, given, context);
}
