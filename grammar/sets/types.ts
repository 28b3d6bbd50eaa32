import { IP_SET_TYPES, type IpSetType } from '../model/ip-set.js';

/** A part of an element, and the dimension of the test (from 0) that says which side of the packet it is of. */
export type ElementPart =
  /** `net`: with a prefix; it is the last part, and there is one at most. */
  | { readonly kind: 'address' | 'net'; readonly dimension: number }
  /** Protocol and port; `bitmap:port` has the port of TCP and UDP alone. */
  | { readonly kind: 'port'; readonly dimension: number; readonly withProtocol: boolean }
  | { readonly kind: 'mac'; readonly dimension: number }
  | { readonly kind: 'set'; readonly dimension: number };

const address = (dimension: number): ElementPart => ({ kind: 'address', dimension });
const net = (dimension: number): ElementPart => ({ kind: 'net', dimension });
const port = (dimension: number, withProtocol = true): ElementPart => ({ kind: 'port', dimension, withProtocol });

/** The parts of an element by the set's type, as they stand in its text with commas between. */
export const ELEMENT_PARTS: Readonly<Record<IpSetType, readonly ElementPart[]>> = {
  'hash:ip': [address(0)],
  'hash:net': [net(0)],
  'hash:ip,port': [address(0), port(1)],
  'hash:net,port': [net(0), port(1)],
  'hash:ip,port,ip': [address(0), port(1), address(2)],
  'hash:ip,port,net': [address(0), port(1), net(2)],
  'bitmap:ip': [address(0)],
  'bitmap:port': [port(0, false)],
  'bitmap:ip,mac': [address(0), { kind: 'mac', dimension: 1 }],
  'list:set': [{ kind: 'set', dimension: 0 }],
};

export function isIpSetType(name: string): name is IpSetType {
  const known: readonly string[] = IP_SET_TYPES;
  return known.includes(name);
}

/** Dimensions of a test that a set of the type asks for (struct ip_set_type `dimension`). */
export function dimensionOf(type: IpSetType): number {
  return ELEMENT_PARTS[type].length;
}

/** Whether elements may be exceptions (IPSET_TYPE_NOMATCH). */
export function hasNetworks(type: IpSetType): boolean {
  return ELEMENT_PARTS[type].some(({ kind }) => kind === 'net');
}

/** Whether the set's elements are of one IP version. */
export function hasFamily(type: IpSetType): boolean {
  return type !== 'bitmap:port' && type !== 'list:set';
}

export function isBitmap(type: IpSetType): boolean {
  return type.startsWith('bitmap:');
}
