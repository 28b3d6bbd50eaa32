import { ObjectError } from './error.js';
import type { KernelStruct } from './spec.js';

/** Where a member lies in the layout that the spec assumes. */
export interface MemberPlace {
  /** Member numbers, one for each struct on the way. */
  readonly path: readonly number[];
  /** Bytes from the start of the outermost struct. */
  readonly offset: number;
  /** Its size. */
  readonly bytes: number;
}

/** Finds `member` (`a` or, through structs inside of structs, `a.b.c`) of a kernel struct that the spec has. */
export function findMember(structs: ReadonlyMap<string, KernelStruct>, name: string, member: string): MemberPlace {
  const path: number[] = [];
  let offset = 0;
  let bytes = 0;
  let struct = structs.get(name);
  for (const part of member.split('.')) {
    const number = struct?.members.findIndex((candidate) => candidate.name === part) ?? -1;
    const found = struct?.members[number];
    if (found === undefined) throw new ObjectError('bad-reference', `no member ${member} in kernel struct ${name}`);
    path.push(number);
    offset += found.offset;
    ({ bytes } = found);
    struct = typeof found.type === 'object' ? structs.get(found.type.struct) : undefined;
  }
  return { path, offset, bytes };
}

/** The inverse of {@link findMember}. */
export function memberAt(structs: ReadonlyMap<string, KernelStruct>, name: string, path: readonly number[]): string {
  const parts: string[] = [];
  let struct = structs.get(name);
  for (const number of path) {
    const found = struct?.members[number];
    if (found === undefined) throw new ObjectError('malformed', `no member ${path.join(':')} in kernel struct ${name}`);
    parts.push(found.name);
    struct = typeof found.type === 'object' ? structs.get(found.type.struct) : undefined;
  }
  return parts.join('.');
}
