import type { Manifest } from '../../codegen/program/manifest.js';

/** Where a device takes a program: one each. */
export type Slot = 'xdp' | 'ingress' | 'egress';

export interface BundledObject {
  readonly slot: Slot;
  readonly object: Uint8Array;
  readonly manifest: Manifest;
}

export interface Bundle {
  /** Lower-case letters, digits and `_`: names the folder, the pins and the unit. */
  readonly name: string;
  /** Hash of the objects: another one replaces this one. */
  readonly id: string;
  readonly objects: readonly BundledObject[];
  /** The dump that was compiled, and what it was called. */
  readonly dump: string;
  readonly dumpFile: string;
}

/** The newest Linux that an object needs. */
export function kernelOf({ objects }: Pick<Bundle, 'objects'>): string {
  const order = (version: string): number => {
    const [major, minor] = version.split('.').map(Number);
    return major * 1000 + minor;
  };
  return objects.map(({ manifest }) => manifest.needs.kernel).reduce((a, b) => (order(b) > order(a) ? b : a));
}
