import type { BuiltinChain } from '../../model/family.js';
import { isSynTest } from '../match/tcp.js';
import {
  defineVerbatimTarget,
  isBefore,
  isEmpty,
  option,
  type ModuleContext,
  type OptionsOf,
  type RuleParts,
  type ValueType,
} from '../define.js';
import { number, UINT16 } from '../value/number.js';
import { flag } from '../value/text.js';

/** The greatest packet less an IP header of the family. */
const LARGEST = { v4: UINT16 - 20, v6: UINT16 - 40 } as const;

const size: ValueType<number> = {
  arity: 1,
  placeholder: 'size',
  parse: (words, context) => number({ max: LARGEST[context.family] }).parse(words, context),
  print: (value) => [String(value)],
};

const OPTIONS = {
  size: option('--set-mss', size, { doc: 'set the segment size to this' }),
  clamp: option('--clamp-mss-to-pmtu', flag, { doc: 'lower the segment size to what the path takes' }),
};

type Options = OptionsOf<typeof OPTIONS>;

/** Of both options the last one counts. */
function isClamped(options: Options): boolean {
  return options.clamp !== undefined && !isBefore(options, 'clamp', 'size');
}

const TCP = 6;

function check(options: Options, { protocol }: ModuleContext): string[] {
  const errors: string[] = [];
  if (isEmpty(options)) errors.push('--set-mss or --clamp-mss-to-pmtu is needed');
  if (protocol?.number !== TCP || protocol.inverted) errors.push('TCPMSS needs -p tcp');
  return errors;
}

/** The path is known once the packet is routed (`tcpmss_tg4_check`). */
function hooksFor(options: Options): readonly BuiltinChain[] | undefined {
  return isClamped(options) ? ['FORWARD', 'OUTPUT', 'POSTROUTING'] : undefined;
}

/** The segment size stands in SYNs alone: the rule must ask for them (`find_syn_match`). */
function checkRule(_: Options, { matches }: RuleParts): string[] {
  return matches.some(isSynTest) ? [] : ['TCPMSS needs a test of SYN: -p tcp --tcp-flags SYN,RST SYN'];
}

/** Change the maximum segment size of a SYN (net/netfilter/xt_TCPMSS.c). */
export const tcpmssTarget = defineVerbatimTarget({
  name: 'TCPMSS',
  families: ['v4', 'v6'],
  doc: 'change the maximum segment size that a SYN announces',
  options: OPTIONS,
  hooksFor,
  check,
  checkRule,
  // To clamp asks the routes of the packet and of its answer.
  change: (options) =>
    isClamped(options) || options.size === undefined ? undefined : { kind: 'segment-size', size: options.size.value },
  print: (options) =>
    isClamped(options) ? [OPTIONS.clamp.flag] : [OPTIONS.size.flag, String(options.size?.value ?? 0)],
});
