import { readlinkSync } from 'node:fs';
import type { BuiltinChain, Family, TableName } from '../../grammar/model/family.js';
import type { LiveHook } from './object.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { count, list, member, oneOf, optional, ShapeError, text } from './shape.js';

export type XdpMode = 'generic' | 'native';
/** How a device is told of tc programs: by links, or before Linux 6.6 as filters of qdisc `clsact`. */
export type TcWay = 'tcx' | 'clsact';
/** How packets are decided on: `shadow`: by iptables alone; the programs count and are compared with it. */
export type Role = 'judge' | 'shadow';

/** What a deployment is, beside the ruleset: it does not change while it is attached. */
export interface DeploymentRecord {
  readonly format: 1;
  readonly name: string;
  readonly family: Family;
  readonly table: TableName;
  readonly hook: LiveHook;
  readonly chains: readonly BuiltinChain[];
  /** Devices, at the hooks that have some. */
  readonly devices: readonly string[];
  readonly xdpMode: XdpMode;
  /** At tc; `tcx` if left out. */
  readonly tc?: TcWay;
  readonly role: Role;
  /** Network namespace, as /proc/PID/ns/net says it. */
  readonly namespace: string;
  /** Milliseconds since 1970. */
  readonly attached: number;
}

export function encodeRecord(record: DeploymentRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record));
}

const chain = oneOf('PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING');

/** Throws `bad-state` where the bytes are no record. */
export function decodeRecord(bytes: Uint8Array): DeploymentRecord {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const tc = optional(value, 'tc', oneOf('tcx', 'clsact'));
    return {
      format: member(value, 'format', oneOf(1)),
      name: member(value, 'name', text),
      family: member(value, 'family', oneOf('v4', 'v6')),
      table: member(value, 'table', oneOf('raw', 'mangle', 'nat', 'filter', 'security')),
      hook: member(value, 'hook', oneOf('xdp', 'tc', 'netfilter')),
      chains: member(value, 'chains', list(chain)),
      devices: member(value, 'devices', list(text)),
      xdpMode: member(value, 'xdpMode', oneOf('generic', 'native')),
      ...(tc === undefined ? {} : { tc }),
      role: optional(value, 'role', oneOf('judge', 'shadow')) ?? 'judge',
      namespace: member(value, 'namespace', text),
      attached: member(value, 'attached', count),
    };
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof SyntaxError)) throw error;
    throw new RuntimeError('bad-state', `what is pinned is of another version: ${error.message}`);
  }
}

/** The network namespace of the calling thread: `net:[4026531840]`. */
export function currentNamespace(): string {
  return readlinkSync('/proc/thread-self/ns/net');
}
