import type { Region } from './value.js';

const kernelRegions = new Map<string, Region>();

/** The struct of the kernel, or its member, of that name; `instance` tells several of the kind apart. */
export function kernelRegion(name: string, instance?: string): Region {
  const key = instance === undefined ? name : `${name} ${instance}`;
  let region = kernelRegions.get(key);
  if (region === undefined) {
    region = { kind: 'kernel', name, ...(instance === undefined ? {} : { instance }) };
    kernelRegions.set(key, region);
  }
  return region;
}
