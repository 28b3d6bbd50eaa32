import { CT_STATES, type CtState } from '../../grammar/model/condition.js';
import { parseMac } from './address.js';
import { fromHex } from './hexdump.js';
import type { ExtensionSpec, Ipv4Spec, Ipv6Spec, TransportSpec, VlanSpec } from './spec.js';

type Mutable<T> = { -readonly [K in keyof T]?: T[K] };
type Of<K extends TransportSpec['kind']> = Extract<TransportSpec, { kind: K }>;

/** What the words behind the addresses say, before it is known which of it fits the packet. */
export interface TextDraft {
  source?: bigint;
  destination?: bigint;
  vlans: VlanSpec[];
  v4: Mutable<Omit<Ipv4Spec, 'family' | 'source' | 'destination'>>;
  v6: Mutable<Omit<Ipv6Spec, 'family' | 'source' | 'destination'>>;
  /** Offset in bytes. */
  fragment?: number;
  tcp: Mutable<Omit<Of<'tcp'>, 'kind' | 'sport' | 'dport'>>;
  icmp: Mutable<Omit<Of<'icmp' | 'icmp6'>, 'kind'>>;
  udpLength?: number;
  l4Checksum?: number;
  payload?: Uint8Array;
  /** Length of the IP packet. */
  length?: number;
  cut?: number;
  padding?: number;
  inInterface?: string;
  outInterface?: string;
  mark?: number;
  state?: readonly CtState[];
}

export function newDraft(): TextDraft {
  return { vlans: [], v4: {}, v6: {}, tcp: {}, icmp: {} };
}

/** What a word is about: words that do not fit the packet are errors. */
export type WordScope = 'any' | 'v4' | 'v6' | 'tcp' | 'udp' | 'icmp' | 'ports';

export interface TextWord {
  readonly names: readonly string[];
  /** Placeholder of what follows it; undefined for a word that stands alone. */
  readonly argument?: string;
  readonly scope: WordScope;
  readonly doc: string;
  /** Stores the argument; says what is wrong with it. */
  read(draft: TextDraft, argument: string): string | undefined;
}

/** A number in decimal or, with 0x, in hexadecimal. */
export function parseNumber(text: string, max: number): number | undefined {
  if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

const BYTE = 0xff;
const SHORT = 0xffff;
const WORD = 0xffffffff;

function numberWord(
  name: string | readonly string[],
  scope: WordScope,
  max: number,
  doc: string,
  store: (draft: TextDraft, value: number) => void,
): TextWord {
  return {
    names: typeof name === 'string' ? [name] : name,
    argument: 'N',
    scope,
    doc,
    read: (draft, argument) => {
      const value = parseNumber(argument, max);
      if (value === undefined) return `"${argument}" is not a number in 0–${max}`;
      store(draft, value);
      return undefined;
    },
  };
}

function hexWord(
  name: string,
  scope: WordScope,
  max: number,
  doc: string,
  store: (d: TextDraft, v: Uint8Array) => void,
): TextWord {
  return {
    names: [name],
    argument: 'HEX',
    scope,
    doc,
    read: (draft, argument) => {
      const bytes = fromHex(argument);
      if (bytes === undefined) return `"${argument}" is not a string of hexadecimal bytes`;
      if (bytes.length > max) return `${bytes.length} bytes are more than ${max}`;
      store(draft, bytes);
      return undefined;
    },
  };
}

function flagWord(name: string, scope: WordScope, doc: string, store: (draft: TextDraft) => void): TextWord {
  return {
    names: [name],
    scope,
    doc,
    read: (draft) => {
      store(draft);
      return undefined;
    },
  };
}

function macWord(names: readonly string[], doc: string, key: 'source' | 'destination'): TextWord {
  return {
    names,
    argument: 'MAC',
    scope: 'any',
    doc,
    read: (draft, argument) => {
      const mac = parseMac(argument);
      if (mac === undefined) return `"${argument}" is not a MAC address`;
      draft[key] = mac;
      return undefined;
    },
  };
}

/** Names of interfaces have at most 15 characters. */
function interfaceWord(name: 'in' | 'out', doc: string, key: 'inInterface' | 'outInterface'): TextWord {
  return {
    names: [name],
    argument: 'DEVICE',
    scope: 'any',
    doc,
    read: (draft, argument) => {
      if (new TextEncoder().encode(argument).length > 15) return `"${argument}" is longer than an interface name`;
      draft[key] = argument;
      return undefined;
    },
  };
}

const state: TextWord = {
  names: ['state'],
  argument: 'STATES',
  scope: 'any',
  doc: 'state of the connection, e.g. NEW or ESTABLISHED,DNAT',
  read: (draft, argument) => {
    const states: CtState[] = [];
    for (const name of argument.split(',')) {
      const found = CT_STATES.find((one) => one === name.toUpperCase());
      if (found === undefined) return `"${name}" is not a connection state (${CT_STATES.join(', ')})`;
      states.push(found);
    }
    draft.state = states;
    return undefined;
  },
};

export const EXTENSION_NAMES: Readonly<Record<string, ExtensionSpec['kind']>> = {
  hop: 'hop-by-hop',
  dst: 'destination',
  rt: 'routing',
  frag: 'fragment',
  ah: 'authentication',
};

const extensions: TextWord = {
  names: ['ext'],
  argument: 'HEADERS',
  scope: 'v6',
  doc: 'extension headers in order: hop, dst, rt, frag, ah',
  read: (draft, argument) => {
    const list: ExtensionSpec[] = [];
    for (const name of argument.split(',')) {
      if (!Object.hasOwn(EXTENSION_NAMES, name)) {
        return `"${name}" is not an extension header (${Object.keys(EXTENSION_NAMES).join(', ')})`;
      }
      list.push({ kind: EXTENSION_NAMES[name] });
    }
    draft.v6.extensions = list;
    return undefined;
  },
};

const fragment: TextWord = {
  names: ['frag'],
  argument: 'BYTES',
  scope: 'any',
  doc: 'fragment offset in bytes, a multiple of 8',
  read: (draft, argument) => {
    const value = parseNumber(argument, 0xfff8);
    if (value === undefined || value % 8 !== 0) return `"${argument}" is not a multiple of 8 below 65536`;
    draft.fragment = value;
    return undefined;
  },
};

export const TEXT_WORDS: readonly TextWord[] = [
  interfaceWord('in', 'input interface', 'inInterface'),
  interfaceWord('out', 'output interface', 'outInterface'),
  numberWord('mark', 'any', WORD, 'packet mark', (d, v) => (d.mark = v)),
  state,
  numberWord(['ttl', 'hl'], 'any', BYTE, 'TTL or hop limit as it comes in', (d, v) => {
    d.v4.ttl = v;
    d.v6.hopLimit = v;
  }),
  numberWord('tos', 'any', BYTE, 'TOS or traffic class', (d, v) => {
    d.v4.tos = v;
    d.v6.trafficClass = v;
  }),
  numberWord('dscp', 'any', 63, 'upper six bits of the TOS', (d, v) => {
    d.v4.tos = v << 2;
    d.v6.trafficClass = v << 2;
  }),
  fragment,
  flagWord('mf', 'any', 'more fragments follow', (d) => (d.v4.moreFragments = true)),
  flagWord('df', 'v4', 'do not fragment', (d) => (d.v4.dontFragment = true)),
  numberWord('id', 'any', WORD, 'identification', (d, v) => (d.v4.id = v)),
  numberWord('len', 'any', SHORT, 'length of the IP packet, filled up with zeros', (d, v) => (d.length = v)),
  hexWord('payload', 'any', SHORT, 'bytes behind the headers', (d, v) => (d.payload = v)),
  numberWord('cut', 'any', SHORT, 'bytes that are left behind the IP header', (d, v) => (d.cut = v)),
  numberWord('pad', 'any', SHORT, 'bytes of padding behind the packet', (d, v) => (d.padding = v)),
  hexWord('ipopt', 'v4', 40, 'IP options', (d, v) => (d.v4.options = v)),
  extensions,
  numberWord('flow', 'v6', 0xfffff, 'flow label', (d, v) => (d.v6.flowLabel = v)),
  numberWord('version', 'any', 15, 'wrong IP version', (d, v) => {
    d.v4.version = v;
    d.v6.version = v;
  }),
  numberWord('ihl', 'v4', 15, 'wrong header length in words', (d, v) => (d.v4.headerLength = v)),
  numberWord('totlen', 'v4', SHORT, 'wrong total length', (d, v) => (d.v4.totalLength = v)),
  numberWord('plen', 'v6', SHORT, 'wrong payload length', (d, v) => (d.v6.payloadLength = v)),
  numberWord('ipsum', 'v4', SHORT, 'wrong header checksum', (d, v) => (d.v4.checksum = v)),
  numberWord('seq', 'tcp', WORD, 'sequence number', (d, v) => (d.tcp.sequence = v)),
  numberWord('ack', 'tcp', WORD, 'acknowledgment number', (d, v) => (d.tcp.acknowledgment = v)),
  numberWord('win', 'tcp', SHORT, 'window', (d, v) => (d.tcp.window = v)),
  numberWord('urg', 'tcp', SHORT, 'urgent pointer', (d, v) => (d.tcp.urgent = v)),
  numberWord('doff', 'tcp', 15, 'wrong header length in words', (d, v) => (d.tcp.dataOffset = v)),
  hexWord('tcpopt', 'tcp', 40, 'TCP options', (d, v) => (d.tcp.options = v)),
  numberWord('ulen', 'udp', SHORT, 'wrong UDP length', (d, v) => (d.udpLength = v)),
  numberWord('type', 'icmp', BYTE, 'ICMP type', (d, v) => (d.icmp.type = v)),
  numberWord('code', 'icmp', BYTE, 'ICMP code', (d, v) => (d.icmp.code = v)),
  numberWord('rest', 'icmp', WORD, 'bytes 4–7 of the ICMP header', (d, v) => (d.icmp.rest = v)),
  numberWord('sum', 'any', SHORT, 'wrong transport checksum', (d, v) => (d.l4Checksum = v)),
  macWord(['mac', 'smac'], 'source MAC', 'source'),
  macWord(['dmac'], 'destination MAC', 'destination'),
  numberWord('vlan', 'any', 4095, 'VLAN tag; may be repeated, outermost first', (d, v) => d.vlans.push({ id: v })),
];

export function findWord(name: string): TextWord | undefined {
  return TEXT_WORDS.find((word) => word.names.includes(name));
}
