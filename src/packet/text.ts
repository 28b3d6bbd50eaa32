import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Family } from '../../grammar/model/family.js';
import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import { ICMP_NAMES, ICMPV6_NAMES, parseIcmpTest } from '../../grammar/modules/value/icmp-types.js';
import { parsePort } from '../../grammar/modules/value/port.js';
import { parseProtocol } from '../../grammar/modules/value/protocols.js';
import { parseAddress } from './address.js';
import { buildPacket } from './build.js';
import { fromHex } from './hexdump.js';
import { PROTOCOL, TCP_FLAG } from './numbers.js';
import { specOf, TextFault, type Ends, type TextHead } from './text-spec.js';
import { findWord, newDraft, TEXT_WORDS, type TextDraft, type TextWord } from './text-words.js';

/** A packet in words, read. */
export interface PacketText {
  readonly packet: Packet;
  readonly family: Family;
  /** `ctstate`, where the text declares one. */
  readonly surroundings: Surroundings;
}

/** What {@link parsePacketText} read. */
export type PacketTextResult =
  | { readonly ok: true; readonly text: PacketText }
  /** Line 1; columns count from 1. */
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

interface Token {
  readonly text: string;
  readonly column: number;
}

/**
 * Reads `PROTOCOL SOURCE[:PORT] > DESTINATION[:PORT] [words…]`, IPv6 addresses with a port as `[ADDRESS]:PORT`, or
 * `frame HEX [words…]`. Flags are `SYN,ACK` (TCP; SYN if left out), a message is a name, `type` or `type/code` (ICMP;
 * an echo request if left out). See {@link TEXT_WORDS} for the others.
 */
export function parsePacketText(text: string): PacketTextResult {
  const tokens = Array.from(text.matchAll(/\S+/g), (match) => ({ text: match[0], column: match.index + 1 }));
  try {
    return { ok: true, text: readTokens(new Tokens(tokens, text.length + 1)) };
  } catch (error) {
    if (!(error instanceof TextFault)) throw error;
    const { code, message, hint, token } = error;
    const range = { line: 1, column: token.column, length: token.text.length };
    return { ok: false, diagnostics: [{ ...range, code, severity: 'error', message, ...(hint && { hint }) }] };
  }
}

class Tokens {
  #next = 0;

  constructor(
    readonly tokens: readonly Token[],
    readonly end: number,
  ) {}

  peek(): Token | undefined {
    return this.tokens[this.#next];
  }

  take(expected: string): Token {
    const token = this.tokens[this.#next++];
    if (token === undefined) {
      throw new TextFault('packet-text-end', `${expected} is missing`, { text: '', column: this.end });
    }
    return token;
  }
}

function readTokens(tokens: Tokens): PacketText {
  const first = tokens.take('a protocol');
  if (first.text === 'frame') return readFrame(tokens);
  const head = readHead(tokens, first);
  const draft = newDraft();
  for (let token = tokens.peek(); token !== undefined; token = tokens.peek()) {
    readWord(tokens, tokens.take('a word'), head, draft);
  }
  const packet = buildPacket(specOf(head, draft), placeOf(draft));
  return { packet, family: head.family, surroundings: surroundingsOf(draft) };
}

/** The exact bytes of a frame, for packets that words do not describe. */
function readFrame(tokens: Tokens): PacketText {
  const token = tokens.take('the frame in hexadecimal');
  const frame = fromHex(token.text);
  if (frame === undefined) throw new TextFault('packet-text-value', 'the frame is not hexadecimal bytes', token);
  const draft = newDraft();
  while (tokens.peek() !== undefined) {
    const name = tokens.take('a word');
    if (!['in', 'out', 'mark', 'state'].includes(name.text)) {
      throw new TextFault('packet-text-word', `"${name.text}" cannot stand behind a frame`, name);
    }
    readArgument(tokens, findWord(name.text), name, draft);
  }
  const family = frame.length > 14 && frame[14] >> 4 === 6 ? 'v6' : 'v4';
  const packet: Packet = { frame, inInterface: '', outInterface: '', mark: 0, ...placeOf(draft) };
  return { packet, family, surroundings: surroundingsOf(draft) };
}

function placeOf({ inInterface, outInterface, mark }: TextDraft): Partial<Packet> {
  return {
    ...(inInterface !== undefined && { inInterface }),
    ...(outInterface !== undefined && { outInterface }),
    ...(mark !== undefined && { mark }),
  };
}

function surroundingsOf({ state }: TextDraft): Surroundings {
  return state === undefined ? {} : { ctstate: state };
}

/** `PROTOCOL SOURCE > DESTINATION`. */
function readHead(tokens: Tokens, first: Token): TextHead {
  const protocol = readProtocol(first);
  const withPorts = PORT_PROTOCOLS.has(protocol);
  const source = readEnd(tokens.take('the source address'), protocol);
  const arrow = tokens.take('">" and the destination');
  if (arrow.text !== '>') throw new TextFault('packet-text-arrow', `">" is expected, not "${arrow.text}"`, arrow);
  const token = tokens.take('the destination address');
  const destination = readEnd(token, protocol);
  if (source.family !== destination.family) {
    throw new TextFault('packet-text-family', 'source and destination are of different families', token);
  }
  const { family } = source;
  const wrong = family === 'v4' ? PROTOCOL.ICMPV6 : PROTOCOL.ICMP;
  if (protocol === wrong && first.text.startsWith('icmp')) {
    throw new TextFault('packet-text-family', `${first.text} does not go with these addresses`, first);
  }
  const ends: Ends = { source: source.address, destination: destination.address };
  if (!withPorts) return { family, protocol, ends, token: first };
  return { family, protocol, ends, ports: { sport: source.port ?? 0, dport: destination.port ?? 0 }, token: first };
}

const PORT_PROTOCOLS = new Map([
  [PROTOCOL.TCP, 'tcp'],
  [PROTOCOL.UDP, 'udp'],
  [PROTOCOL.UDPLITE, 'udplite'],
] as const) as ReadonlyMap<number, 'tcp' | 'udp' | 'udplite'>;

function readProtocol(token: Token): number {
  if (token.text === 'icmp6' || token.text === 'icmpv6') return PROTOCOL.ICMPV6;
  const parsed = parseProtocol(token.text);
  // 0 is a header of its own here, not the word for all protocols.
  if ('value' in parsed && (parsed.value !== 0 || token.text === '0')) return parsed.value;
  const hint = 'for example tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0';
  throw new TextFault('packet-text-protocol', `"${token.text}" is not a protocol`, token, hint);
}

interface End {
  readonly family: Family;
  readonly address: bigint;
  readonly port?: number;
}

function readEnd(token: Token, protocol: number): End {
  const { address: text, port } = splitEnd(token.text);
  const address = parseAddress(text);
  if (address === undefined) throw new TextFault('packet-text-address', `"${text}" is not an address`, token);
  const service = PORT_PROTOCOLS.get(protocol);
  if (service === undefined) {
    if (port === undefined) return address;
    throw new TextFault('packet-text-port', 'this protocol has no ports', token);
  }
  if (port === undefined) {
    const form = address.family === 'v4' ? `${text}:PORT` : `[${text}]:PORT`;
    throw new TextFault('packet-text-port', `a port is missing: ${form}`, token);
  }
  const parsed = parsePort(port, service);
  if ('error' in parsed) throw new TextFault('packet-text-port', parsed.error, token);
  return { ...address, port: parsed.value };
}

function splitEnd(text: string): { readonly address: string; readonly port?: string } {
  const bracket = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracket !== null) return { address: bracket[1], ...(bracket[2] !== undefined && { port: bracket[2] }) };
  const colon = text.indexOf(':');
  // An IPv6 address without brackets has no port.
  if (colon < 0 || text.indexOf(':', colon + 1) >= 0) return { address: text };
  return { address: text.slice(0, colon), port: text.slice(colon + 1) };
}

function readWord(tokens: Tokens, token: Token, head: TextHead, draft: TextDraft): void {
  const word = findWord(token.text);
  if (word !== undefined) {
    checkScope(word, token, head);
    readArgument(tokens, word, token, draft);
    return;
  }
  if (head.protocol === PROTOCOL.TCP && readFlags(token.text, draft)) return;
  if (isIcmp(head.protocol) && readMessage(token.text, head.protocol, draft)) return;
  const known = TEXT_WORDS.flatMap(({ names }) => names.slice(0, 1)).join(', ');
  throw new TextFault('packet-text-word', `"${token.text}" is not known`, token, `words are ${known}`);
}

function isIcmp(protocol: number): boolean {
  return protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6;
}

function checkScope(word: TextWord, token: Token, head: TextHead): void {
  const fits =
    word.scope === 'any' ||
    word.scope === head.family ||
    (word.scope === 'tcp' && head.protocol === PROTOCOL.TCP) ||
    (word.scope === 'udp' && head.protocol !== PROTOCOL.TCP && head.ports !== undefined) ||
    (word.scope === 'icmp' && isIcmp(head.protocol));
  if (!fits)
    throw new TextFault('packet-text-word', `"${token.text}" (${word.doc}) does not go with this packet`, token);
}

function readArgument(tokens: Tokens, word: TextWord | undefined, name: Token, draft: TextDraft): void {
  if (word === undefined) throw new TextFault('packet-text-word', `"${name.text}" is not known`, name);
  const argument = word.argument === undefined ? name : tokens.take(`${word.argument} behind "${name.text}"`);
  const fault = word.read(draft, argument.text);
  if (fault !== undefined) throw new TextFault('packet-text-value', fault, argument);
}

/** Flags add up over several words; NONE is none. */
function readFlags(text: string, draft: TextDraft): boolean {
  let bits = 0;
  for (const name of text.toUpperCase().split(',')) {
    if (name === 'NONE') continue;
    if (!Object.hasOwn(TCP_FLAG, name)) return false;
    bits |= TCP_FLAG[name as keyof typeof TCP_FLAG];
  }
  draft.tcp.flags = (draft.tcp.flags ?? 0) | bits;
  return true;
}

function readMessage(text: string, protocol: number, draft: TextDraft): boolean {
  const parsed = parseIcmpTest(text, protocol === PROTOCOL.ICMP ? ICMP_NAMES : ICMPV6_NAMES);
  if ('error' in parsed || text === 'any') return false;
  draft.icmp.type = parsed.value.type;
  draft.icmp.code = parsed.value.codeLo;
  return true;
}
