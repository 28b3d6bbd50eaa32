import { TRACE_BIT } from '../../codegen/program/trace.js';
import type { CounterEntry, EventLayout, EventRule, Manifest } from '../../codegen/program/manifest.js';

/** A packet that a rule of LOG or NFLOG has matched. */
export interface LogEvent {
  readonly rule: EventRule;
  /** Of the rule; none where a traced packet comes to the end of a user-defined chain. */
  readonly counter?: CounterEntry;
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly time: bigint;
  /** Names of devices; empty where there is none. */
  readonly input: string;
  readonly output: string;
  readonly mark: number;
  readonly owner?: { readonly user: number; readonly group: number };
  /** Header of the link layer in front of the packet, where it came in by a device that has one. */
  readonly link?: { readonly bytes: Uint8Array; readonly ethernet: boolean };
  /** Bytes of the IP packet (skb->len). */
  readonly length: number;
  /** The first of them, as the chain sees them. */
  readonly packet: Uint8Array;
}

/** Places in struct flow (codegen/program/flow.ts). */
const FLOW = { length: 0, rule: 4 } as const;
/** Bits of the owner: the socket has a file. */
const FILE = 2;
const ETHERNET = 0x80000000;
/** Place of TTL or hop limit in the IP header. */
const HOPS = { v4: 8, v6: 7 } as const;

type EventManifest = Pick<Manifest, 'event' | 'counters' | 'family' | 'hook' | 'programs'>;

/** Reads events of one object. */
export class EventReader {
  private readonly layout: EventLayout;
  private readonly rules: ReadonlyMap<number, EventRule>;

  /** Throws a RangeError where the object logs nothing. */
  constructor(private readonly manifest: EventManifest) {
    if (manifest.event === undefined) throw new RangeError('the object has no rule of LOG or NFLOG');
    this.layout = manifest.event;
    this.rules = new Map(manifest.event.rules.map((rule) => [rule.rule, rule]));
  }

  /** `bytes`: a record of the ring buffer. Throws a RangeError where it is none of the object's. */
  read(bytes: Uint8Array): LogEvent {
    const { fields, tail, bytes: start, owner } = this.layout;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < start + tail.packet) throw new RangeError(`an event of ${bytes.length} bytes is too short`);
    const key = view.getUint32(FLOW.rule, true);
    const rule = this.rules.get(key);
    if (rule === undefined) throw new RangeError(`an event of rule ${key}, which logs nothing`);
    const link = view.getUint32(start + tail.link, true);
    const linkBytes = link & ~ETHERNET;
    const captured = view.getUint32(start + tail.captured, true);
    const counter = this.manifest.counters.at(key % TRACE_BIT);
    const socket = owner === undefined ? 0 : view.getUint32(owner, true);
    return {
      rule,
      ...(counter === undefined ? {} : { counter }),
      time: view.getBigUint64(start + tail.time, true),
      input: deviceName(view, fields.iif),
      output: deviceName(view, fields.oif),
      mark: fields.mark === undefined ? 0 : view.getUint32(fields.mark, true),
      ...(owner === undefined || (socket & FILE) === 0
        ? {}
        : { owner: { user: view.getUint32(owner + 4, true), group: view.getUint32(owner + 8, true) } }),
      ...(linkBytes === 0
        ? {}
        : { link: { bytes: slice(bytes, start + tail.linkBytes, linkBytes), ethernet: link >>> 31 === 1 } }),
      length: view.getUint32(FLOW.length, true),
      packet: this.seen(slice(bytes, start + tail.packet, captured), bytes),
    };
  }

  /** On the wire, packets to be forwarded have not lost their hop yet. */
  private seen(packet: Uint8Array, event: Uint8Array): Uint8Array {
    const { hook, programs, family } = this.manifest;
    const { ttl } = this.layout.fields;
    if (hook === 'netfilter' || programs[0].chain !== 'FORWARD' || ttl === undefined) return packet;
    if (packet.length > HOPS[family]) packet[HOPS[family]] = event[ttl];
    return packet;
  }
}

const slice = (bytes: Uint8Array, at: number, length: number): Uint8Array => bytes.slice(at, at + length);

/** A name in two words of 64 bits, first character most significant. */
function deviceName(view: DataView, at: number | undefined): string {
  if (at === undefined) return '';
  let name = '';
  for (const word of [view.getBigUint64(at, true), view.getBigUint64(at + 8, true)]) {
    for (let shift = 56n; shift >= 0n; shift -= 8n) {
      const code = Number((word >> shift) & 0xffn);
      if (code === 0) return name;
      name += String.fromCharCode(code);
    }
  }
  return name;
}
