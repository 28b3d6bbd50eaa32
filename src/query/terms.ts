import {
  all,
  any,
  atLeast,
  CT_STATES,
  equals,
  inSet,
  not,
  opaque,
  TRUE,
  type Condition,
  type CtState,
} from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import { intervals, type Interval } from '../../grammar/model/interval.js';
import { addressBits, prefixMask } from '../../grammar/modules/value/address.js';
import { ICMP_NAMES, ICMPV6_NAMES, parseIcmpTest } from '../../grammar/modules/value/icmp-types.js';
import { parseMarkMask } from '../../grammar/modules/value/mark.js';
import { parseProtocol } from '../../grammar/modules/value/protocols.js';
import { anyServicePort, serviceNames } from '../../grammar/modules/value/services.js';
import { didYouMean } from '../../grammar/modules/value/suggest.js';
import { parseAddress } from '../packet/address.js';
import { parseNumber } from '../packet/text-words.js';
import { interfaceNumber } from '../space/interface-names.js';
import { QueryFault, type Token } from './tokens.js';

/** A word of the query language that asks for values behind it. */
export interface Term {
  readonly name: string;
  /** Placeholder of a value; several stand with commas between. */
  readonly argument?: string;
  readonly doc: string;
  /** What packets of it have; `values` is empty for a term without argument. */
  read(values: readonly Token[], family: Family): Condition;
}

/** Protocols with ports, and the bytes of their headers. */
const PORT_PROTOCOLS: readonly (readonly [protocol: number, header: number])[] = [
  [6, 20],
  [17, 8],
  [136, 8],
  [132, 12],
  [33, 12],
];
const TCP = PORT_PROTOCOLS[0];
const ICMP_HEADER = 8;

const icmpOf = (family: Family): number => (family === 'v4' ? 1 : 58);

/** Packets that hold the whole fixed header of the protocol: no later fragments, none that are cut. */
function whole([protocol, header]: readonly [number, number]): Condition {
  return all(equals('proto', protocol), equals('fragoff', 0), atLeast('l4len', header));
}

const WITH_PORTS = any(...PORT_PROTOCOLS.map(whole));

function fault(token: Token, message: string, hint?: string): QueryFault {
  return new QueryFault('query-value', message, token, hint);
}

function rangesIn(field: Field, values: readonly Token[], read: (token: Token) => Interval): Condition {
  return inSet(field, intervals(...values.map(read)));
}

function numbersTerm(name: string, field: Field, max: number, doc: string): Term {
  return {
    name,
    argument: 'N|N-N',
    doc,
    read: (values) => rangesIn(field, values, (token) => rangeOf(token, (text) => parseNumber(text, max), `0–${max}`)),
  };
}

/** `a` or `a-b`, the ends as `read` has them. */
function rangeOf(token: Token, read: (text: string) => number | undefined, what: string): Interval {
  const alone = read(token.text);
  if (alone !== undefined) return { lo: BigInt(alone), hi: BigInt(alone) };
  const dash = token.text.search(/[-:]/);
  const [lo, hi] = dash < 0 ? [] : [read(token.text.slice(0, dash)), read(token.text.slice(dash + 1))];
  if (lo === undefined || hi === undefined) throw fault(token, `"${token.text}" is not a number or range in ${what}`);
  if (lo > hi) throw fault(token, `"${token.text}" ends before it starts`);
  return { lo: BigInt(lo), hi: BigInt(hi) };
}

function portTerm(name: string, field: 'sport' | 'dport', doc: string): Term {
  const read = (text: string): number | undefined => parseNumber(text, 0xffff) ?? anyServicePort(text);
  return {
    name,
    argument: 'PORT|PORT-PORT',
    doc,
    read: (values) => {
      const set = values.map((token) => {
        if (/^[a-z]/i.test(token.text) && read(token.text) === undefined) {
          const hint = didYouMean(token.text, serviceNames());
          throw fault(token, `"${token.text}" is not a port or a service`, hint);
        }
        return rangeOf(token, read, '0–65535');
      });
      return all(WITH_PORTS, inSet(field, intervals(...set)));
    },
  };
}

function addressTerm(name: string, field: 'saddr' | 'daddr', doc: string): Term {
  return {
    name,
    argument: 'ADDRESS|NETWORK|ADDRESS-ADDRESS|any',
    doc,
    read: (values, family) =>
      values.some(({ text }) => text === 'any') ? TRUE : rangesIn(field, values, (token) => addressesOf(token, family)),
  };
}

function addressesOf(token: Token, family: Family): Interval {
  const { text } = token;
  const dash = text.indexOf('-');
  if (dash >= 0) {
    const lo = addressOf(token, text.slice(0, dash), family);
    const hi = addressOf(token, text.slice(dash + 1), family);
    if (lo > hi) throw fault(token, `"${text}" ends before it starts`);
    return { lo, hi };
  }
  const slash = text.indexOf('/');
  const address = addressOf(token, slash < 0 ? text : text.slice(0, slash), family);
  if (slash < 0) return { lo: address, hi: address };
  const length = parseNumber(text.slice(slash + 1), addressBits(family));
  if (length === undefined) {
    throw fault(token, `"${text.slice(slash + 1)}" is not the length of a prefix (0–${addressBits(family)})`);
  }
  const mask = prefixMask(length, family);
  const rest = prefixMask(addressBits(family), family) ^ mask;
  return { lo: address & mask, hi: (address & mask) | rest };
}

function addressOf(token: Token, text: string, family: Family): bigint {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw fault(token, `"${text}" is not an address`, 'names are not resolved');
  if (parsed.family === family) return parsed.address;
  const [of, rules] = family === 'v4' ? ['IPv6', 'IPv4'] : ['IPv4', 'IPv6'];
  throw new QueryFault('query-family', `"${text}" is an address of ${of}, and the rules are of ${rules}`, token);
}

const NAME_BYTES = 16;

function interfaceTerm(name: string, field: 'iif' | 'oif', doc: string): Term {
  return {
    name,
    argument: 'DEVICE|DEVICE+',
    doc,
    read: (values) =>
      rangesIn(field, values, (token) => {
        const wild = token.text.endsWith('+');
        const stem = wild ? token.text.slice(0, -1) : token.text;
        if (Buffer.byteLength(stem) >= NAME_BYTES) throw fault(token, `"${token.text}" is longer than a device's name`);
        const lo = interfaceNumber(stem);
        const rest = (1n << BigInt(8 * (NAME_BYTES - Buffer.byteLength(stem)))) - 1n;
        return { lo, hi: wild ? lo | rest : lo };
      }),
  };
}

const STATE: Term = {
  name: 'state',
  argument: 'STATE',
  doc: 'state of the connection: new, established, related, invalid, untracked, snat, dnat',
  read: (values) => {
    const states = values.map((token): CtState => {
      const found = CT_STATES.find((state) => state === token.text.toUpperCase());
      if (found !== undefined) return found;
      throw fault(
        token,
        `"${token.text}" is not a connection state`,
        `states are ${CT_STATES.join(', ').toLowerCase()}`,
      );
    });
    return opaque({ name: 'ctstate', states });
  },
};

const TYPE: Term = {
  name: 'type',
  argument: 'TYPE|TYPE/CODE',
  doc: 'ICMP or ICMPv6 message, by number or name',
  read: (values, family) => {
    const names = family === 'v4' ? ICMP_NAMES : ICMPV6_NAMES;
    const messages = values.map((token) => {
      const parsed = parseIcmpTest(token.text, names);
      if ('error' in parsed) throw fault(token, parsed.error, parsed.hint);
      const { type, codeLo, codeHi } = parsed.value;
      return all(equals('icmp.type', type), inSet('icmp.code', intervals([codeLo, codeHi])));
    });
    return all(whole([icmpOf(family), ICMP_HEADER]), any(...messages));
  },
};

const FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'];

const FLAG: Term = {
  name: 'flags',
  argument: 'FLAG|!FLAG',
  doc: 'TCP flags that are set, with ! those that are not: flags syn,!ack',
  read: (values) => {
    let [mask, set] = [0, 0];
    for (const token of values) {
      const clear = token.text.startsWith('!');
      const bit = FLAGS.indexOf(token.text.slice(clear ? 1 : 0).toLowerCase());
      if (bit < 0) throw fault(token, `"${token.text}" is not a TCP flag`, `flags are ${FLAGS.join(', ')}`);
      mask |= 1 << bit;
      if (!clear) set |= 1 << bit;
    }
    return all(whole(TCP), equals('tcp.flags', set, BigInt(mask)));
  },
};

const MARK: Term = {
  name: 'mark',
  argument: 'MARK|MARK/MASK',
  doc: "the packet's mark as it comes to the chain",
  read: (values) =>
    any(
      ...values.map((token) => {
        const parsed = parseMarkMask(token.text);
        if ('error' in parsed) throw fault(token, parsed.error);
        const { value, mask } = parsed.value;
        return equals('mark', value & mask, BigInt(mask));
      }),
    ),
};

const PROTO: Term = {
  name: 'proto',
  argument: 'PROTOCOL',
  doc: 'protocol by name or number; tcp, udp, icmp, icmp6 and other names stand for themselves, too',
  read: (values, family) => any(...values.map((token) => protocolIs(token, family))),
};

/** Packets of a protocol, whole or not. */
export function protocolIs(token: Token, family: Family): Condition {
  const number = protocolNumber(token.text);
  if (number === undefined) throw fault(token, `"${token.text}" is not a protocol`);
  const wrong = icmpOf(family === 'v4' ? 'v6' : 'v4');
  if (number === wrong && !/^\d/.test(token.text)) {
    const [rules, name] = family === 'v4' ? ['IPv4', 'icmp'] : ['IPv6', 'icmp6'];
    throw new QueryFault(
      'query-family',
      `${token.text} does not go with rules of ${rules}`,
      token,
      `there it is ${name}`,
    );
  }
  return equals('proto', number);
}

/** The number of a protocol that is named; undefined if it is none. */
export function protocolNumber(name: string): number | undefined {
  if (name === 'icmp6' || name === 'icmpv6') return 58;
  const parsed = parseProtocol(name);
  return 'error' in parsed || (parsed.value === 0 && name !== '0') ? undefined : parsed.value;
}

const FRAGMENT: Term = {
  name: 'fragment',
  doc: 'fragments but the first: no transport header is in them',
  read: () => not(equals('fragoff', 0)),
};

const CUT: Term = {
  name: 'cut',
  doc: 'packets whose TCP, UDP or ICMP header is not whole (no fragments)',
  read: (_values, family) =>
    any(
      ...[...PORT_PROTOCOLS, [icmpOf(family), ICMP_HEADER] as const].map(([protocol, header]) =>
        all(equals('proto', protocol), equals('fragoff', 0), not(atLeast('l4len', header))),
      ),
    ),
};

const ALL: Term = { name: 'all', doc: 'every packet', read: () => TRUE };

/** The words of the language, beside names of protocols, `and`, `or`, `not`, parentheses and `$NAME`. */
export const TERMS: readonly Term[] = [
  ALL,
  PROTO,
  addressTerm('from', 'saddr', 'source address'),
  addressTerm('to', 'daddr', 'destination address'),
  portTerm('port', 'dport', 'destination port, of any protocol that has ports'),
  portTerm('sport', 'sport', 'source port'),
  interfaceTerm('in', 'iif', 'input device; eth+ is every name that begins with eth'),
  interfaceTerm('out', 'oif', 'output device'),
  STATE,
  TYPE,
  FLAG,
  FRAGMENT,
  CUT,
  MARK,
  numbersTerm('ttl', 'ttl', 0xff, 'TTL or hop limit as the chain sees it'),
  numbersTerm('tos', 'tos', 0xff, 'TOS byte or traffic class'),
  numbersTerm('length', 'length', 0xffff, 'length of the IP packet'),
];
