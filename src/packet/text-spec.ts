import type { Family } from '../../grammar/model/family.js';
import { buildIpPacket } from './build.js';
import { PROTOCOL, TCP_FLAG } from './numbers.js';
import type { ExtensionSpec, Ipv4Spec, Ipv6Spec, LinkSpec, PacketSpec, TransportSpec } from './spec.js';
import type { TextDraft } from './text-words.js';

export interface Ends {
  readonly source: bigint;
  readonly destination: bigint;
}

/** Protocol, addresses and ports of a packet in words. */
export interface TextHead {
  readonly family: Family;
  readonly protocol: number;
  readonly ends: Ends;
  readonly ports?: { readonly sport: number; readonly dport: number };
  /** Where it stands in the text. */
  readonly token: Place;
}

interface Place {
  readonly text: string;
  readonly column: number;
}

/** A packet in words that cannot be read, and where. Becomes a diagnostic. */
export class TextFault extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly token: Place,
    readonly hint?: string,
  ) {
    super(message);
    this.name = 'TextFault';
  }
}

const ECHO_REQUEST = { v4: 8, v6: 128 } as const;

/** The packet that the words describe. */
export function specOf(head: TextHead, draft: TextDraft): PacketSpec {
  const spec: PacketSpec = {
    link: linkOf(draft),
    ip: head.family === 'v4' ? ipv4Of(head, draft) : ipv6Of(head, draft),
    transport: transportOf(head, draft),
    ...(draft.cut !== undefined && { cut: draft.cut }),
    ...(draft.padding !== undefined && { padding: draft.padding }),
  };
  return draft.length === undefined ? spec : withLength(spec, draft.length, head);
}

function linkOf({ source, destination, vlans }: TextDraft): LinkSpec {
  return {
    ...(source !== undefined && { source }),
    ...(destination !== undefined && { destination }),
    ...(vlans.length > 0 && { vlans }),
  };
}

function ipv4Of({ ends }: TextHead, { v4, fragment }: TextDraft): Ipv4Spec {
  return { family: 'v4', ...ends, ...v4, ...(fragment !== undefined && { fragmentOffset: fragment / 8 }) };
}

/** A fragment header is added behind the others where the words need one. */
function ipv6Of({ ends }: TextHead, { v4, v6, fragment }: TextDraft): Ipv6Spec {
  const listed = v6.extensions ?? [];
  const fragmented = fragment !== undefined || v4.moreFragments === true || v4.id !== undefined;
  const header: ExtensionSpec = {
    kind: 'fragment',
    offset: fragment ?? 0,
    more: v4.moreFragments === true,
    ...(v4.id !== undefined && { id: v4.id }),
  };
  const known = listed.some(({ kind }) => kind === 'fragment');
  const extensions = known
    ? listed.map((one) => (one.kind === 'fragment' ? header : one))
    : fragmented
      ? [...listed, header]
      : listed;
  return { family: 'v6', ...ends, ...v6, ...(extensions.length > 0 && { extensions }) };
}

function transportOf({ family, protocol, ports }: TextHead, draft: TextDraft): TransportSpec {
  const common = {
    ...(draft.l4Checksum !== undefined && { checksum: draft.l4Checksum }),
    ...(draft.payload !== undefined && { payload: draft.payload }),
  };
  if (ports !== undefined && protocol === PROTOCOL.TCP) {
    return { kind: 'tcp', ...ports, ...draft.tcp, flags: draft.tcp.flags ?? TCP_FLAG.SYN, ...common };
  }
  if (ports !== undefined) {
    const kind = protocol === PROTOCOL.UDP ? 'udp' : 'udplite';
    return { kind, ...ports, ...(draft.udpLength !== undefined && { length: draft.udpLength }), ...common };
  }
  if (protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6) {
    const kind = protocol === PROTOCOL.ICMP ? 'icmp' : 'icmp6';
    return { kind, ...draft.icmp, type: draft.icmp.type ?? ECHO_REQUEST[family], ...common };
  }
  return { kind: 'other', protocol, ...(draft.payload !== undefined && { payload: draft.payload }) };
}

/** Zeros behind the payload until the IP packet has `length` bytes. */
function withLength(spec: PacketSpec, length: number, head: TextHead): PacketSpec {
  const now = buildIpPacket(spec).length;
  if (now > length) {
    throw new TextFault('packet-text-length', `the packet has ${now} bytes, more than len ${length}`, head.token);
  }
  const { transport } = spec;
  if (transport === undefined) return spec;
  const payload = new Uint8Array((transport.payload?.length ?? 0) + length - now);
  payload.set(transport.payload ?? []);
  return { ...spec, transport: { ...transport, payload } };
}
