import type { BuiltinChain } from '../../model/family.js';
import {
  defineVerbatimMatch,
  givenWords,
  isEmpty,
  option,
  type Given,
  type OptionsOf,
  type Parsed,
  type ValueType,
} from '../define.js';
import { hostMask } from '../value/address.js';
import { hex, number, UINT32 } from '../value/number.js';
import { parseProtocol, systemProtocolName } from '../value/protocols.js';
import { choice, flag } from '../value/text.js';

const PROTOCOLS: readonly number[] = [50, 51, 108];

function parseIpsecProtocol(word: string): Parsed<number> {
  const parsed = parseProtocol(word);
  if ('error' in parsed || PROTOCOLS.includes(parsed.value)) return parsed;
  return { error: `"${word}" is none of esp, ah, ipcomp` };
}

const protocol: ValueType<number> = {
  arity: 1,
  placeholder: 'protocol',
  parse: ([word]) => parseIpsecProtocol(word),
  print: (value) => [systemProtocolName(value) ?? String(value)],
};

const MODES = ['transport', 'tunnel'] as const;

function part(doc: string): { invertible: true; doc: string } {
  return { invertible: true, doc };
}

/** What is asked of one transformation, in the order in which it is printed. */
const ELEMENT = {
  requestId: option('--reqid', number({ max: UINT32 }), part("number of the policy's request")),
  spi: option('--spi', number({ max: UINT32, print: (value) => hex(value) }), part('security parameter index')),
  protocol: option('--proto', protocol, part('protocol of the transformation')),
  mode: option(
    '--mode',
    choice('mode', (word) => MODES.find((name) => name === word), MODES),
    part('transport or tunnel'),
  ),
  tunnelDst: option('--tunnel-dst', hostMask, part('end of the tunnel')),
  tunnelSrc: option('--tunnel-src', hostMask, part('start of the tunnel')),
};

export type PolicyElement = OptionsOf<typeof ELEMENT>;

/** The elements that a `--next` has ended. */
const endedElements: ValueType<readonly PolicyElement[]> = {
  arity: 0,
  placeholder: '',
  parse: () => ({ value: [] }),
  print: () => [],
};

const DIRECTIONS = ['in', 'out'] as const;
const POLICIES = ['none', 'ipsec'] as const;

const OPTIONS = {
  direction: option(
    '--dir',
    choice('direction', (word) => DIRECTIONS.find((name) => name === word), DIRECTIONS),
    { required: true, doc: 'in: how the packet came; out: how it will be sent' },
  ),
  policy: option(
    '--pol',
    choice('policy', (word) => POLICIES.find((name) => name === word), POLICIES),
    { doc: 'ipsec (default): transformed by IPsec; none: not' },
  ),
  strict: option('--strict', flag, { doc: 'the elements are all transformations in their order, not some of them' }),
  ...ELEMENT,
  next: option('--next', endedElements, { ends: Object.keys(ELEMENT), doc: 'begin the next element' }),
};

type Options = OptionsOf<typeof OPTIONS>;

/** Elements at most (XT_POLICY_MAX_ELEM). */
const MOST = 4;

/** The elements in order; none for `--pol none`, which ignores what was said of the first. */
export function policyElements({ policy, next, ...options }: Options): readonly PolicyElement[] {
  if (policy?.value === 'none') return [];
  const { requestId, spi, protocol: proto, mode, tunnelDst, tunnelSrc } = options;
  return [...(next?.value ?? []), { requestId, spi, protocol: proto, mode, tunnelDst, tunnelSrc }];
}

/** `--mode tunnel`, or `! --mode transport`. */
function isTunnel(mode: Given<(typeof MODES)[number]> | undefined): boolean {
  return mode !== undefined && (mode.value === 'tunnel') !== mode.inverted;
}

function elementErrors(element: PolicyElement, i: number, strict: boolean): string[] {
  const errors: string[] = [];
  if (strict && isEmpty(element)) errors.push(`element ${i} is empty, which --strict does not allow`);
  if ((element.tunnelSrc ?? element.tunnelDst) !== undefined && !isTunnel(element.mode)) {
    errors.push('--tunnel-src and --tunnel-dst need --mode tunnel');
  }
  return errors;
}

function check(options: Options): string[] {
  const { policy, strict, next } = options;
  const errors: string[] = [];
  if (next !== undefined && strict === undefined) errors.push('--next needs --strict');
  if ((next?.value.length ?? 0) >= MOST) errors.push(`--next begins more than ${MOST} elements`);
  if (policy?.value === 'none' && (strict ?? next) !== undefined) {
    errors.push('--pol none takes neither --strict nor --next');
  }
  return [
    ...errors,
    ...policyElements(options).flatMap((element, i) => elementErrors(element, i, strict !== undefined)),
  ];
}

const INWARD: readonly BuiltinChain[] = ['PREROUTING', 'INPUT', 'FORWARD'];
const OUTWARD: readonly BuiltinChain[] = ['FORWARD', 'OUTPUT', 'POSTROUTING'];

/** IPsec policy of the packet (net/netfilter/xt_policy.c). */
export const policy = defineVerbatimMatch({
  name: 'policy',
  families: ['v4', 'v6'],
  doc: 'IPsec policy of the packet',
  options: OPTIONS,
  hooksFor: ({ direction }) => (direction?.value === 'out' ? OUTWARD : INWARD),
  check,
  print: (options, context) => [
    ...[OPTIONS.direction.flag, options.direction?.value ?? ''],
    ...[OPTIONS.policy.flag, options.policy?.value ?? 'ipsec'],
    ...(options.strict === undefined ? [] : [OPTIONS.strict.flag]),
    ...policyElements(options).flatMap((element, i) => [
      ...(i === 0 ? [] : [OPTIONS.next.flag]),
      ...givenWords(ELEMENT, element, context),
    ]),
  ],
});
