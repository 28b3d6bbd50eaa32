import { defineVerbatimMatch, givenWords, isEmpty, option, type OptionsOf, type ValueType } from '../define.js';
import { hostMask } from '../value/address.js';
import { resolvedPort } from '../value/port.js';
import { parseProtocol } from '../value/protocols.js';
import { choice, flag } from '../value/text.js';

const protocol: ValueType<number> = {
  arity: 1,
  placeholder: 'protocol',
  parse: ([word]) => parseProtocol(word),
  print: (value) => [String(value)],
};

const DIRECTIONS = ['ORIGINAL', 'REPLY'] as const;
const METHODS = ['GATE', 'IPIP', 'MASQ'] as const;

function test(doc: string): { invertible: true; doc: string } {
  return { invertible: true, doc };
}

/** In the order in which they are printed. */
const OPTIONS = {
  any: option('--ipvs', flag, test('the packet belongs to a connection of IPVS')),
  protocol: option('--vproto', protocol, test('protocol of the virtual service')),
  address: option('--vaddr', hostMask, test('address of the virtual service')),
  port: option('--vport', resolvedPort, test('port of the virtual service')),
  direction: option(
    '--vdir',
    choice('direction', (word) => DIRECTIONS.find((name) => name === word.toUpperCase()), DIRECTIONS),
    { doc: 'direction of the packet' },
  ),
  method: option(
    '--vmethod',
    choice('forwarding method', (word) => METHODS.find((name) => name === word.toUpperCase()), METHODS),
    test('how packets are forwarded'),
  ),
  control: option('--vportctl', resolvedPort, test('port of the virtual service of the controlling connection')),
};

type Options = OptionsOf<typeof OPTIONS>;

const TESTS = ['protocol', 'address', 'port', 'direction', 'method', 'control'] as const;

function hasTest(options: Options): boolean {
  return TESTS.some((key) => options[key] !== undefined);
}

function check(options: Options): string[] {
  if (isEmpty(options)) return ['an option is needed, such as --ipvs'];
  return options.any?.inverted === true && hasTest(options) ? ['! --ipvs cannot stand beside other options'] : [];
}

/** Connections of the load balancer IPVS (net/netfilter/xt_ipvs.c). */
export const ipvs = defineVerbatimMatch({
  name: 'ipvs',
  families: ['v4', 'v6'],
  doc: 'connection of the load balancer IPVS',
  options: OPTIONS,
  check,
  // Every other option implies --ipvs, which is printed alone only.
  print: (options, context) =>
    givenWords(OPTIONS, hasTest(options) ? { ...options, any: undefined } : options, context),
});
