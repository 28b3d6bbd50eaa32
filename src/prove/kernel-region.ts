import type { Ref } from './bdd.js';
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

/** One struct of the kernel, or its member, or else another one of that name. */
export function eitherRegion(when: Ref, one: Region, other: Region): Region {
  return one === other ? one : { kind: 'kernel', name: one.name, either: { when, one, other } };
}

/** A member of the struct that a region is. */
export function memberRegion({ name, instance, either }: Region, member: string): Region {
  if (either === undefined) return kernelRegion(`${name}.${member}`, instance);
  return eitherRegion(either.when, memberRegion(either.one, member), memberRegion(either.other, member));
}
