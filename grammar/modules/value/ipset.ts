import type { ModuleContext, Parsed, ValueType } from '../define.js';
import { utf8Length } from '../../model/utf8.js';

/** A set and which address or port of the packet each of its dimensions is compared with. */
export interface SetUse {
  readonly name: string;
  readonly directions: readonly ('src' | 'dst')[];
}

/** Room for a name, its NUL included (IPSET_MAXNAMELEN). */
const NAME_BYTES = 32;
/** Greatest number of directions that the list takes (IPSET_DIM_MAX). */
const DIMENSIONS = 6;

function parseSetUse(name: string, list: string, { sets }: ModuleContext): Parsed<SetUse> {
  if (/^[-!]/.test(list)) return { error: `a set needs a list of src and dst behind its name, "${list}" is not one` };
  if (utf8Length(name) >= NAME_BYTES) return { error: `"${name}" is longer than ${NAME_BYTES - 1} characters` };
  if (sets?.has(name) === false) return { error: `there is no set "${name}"` };
  const pieces = list.split(',');
  if (pieces.length > DIMENSIONS) return { error: `"${list}" has more than ${DIMENSIONS} directions` };
  const directions = pieces.map((piece) => (['src', 'dst'] as const).find((known) => piece.startsWith(known)));
  if (directions.includes(undefined)) return { error: `"${list}" is not a list of src and dst` };
  return { value: { name, directions: directions.filter((known) => known !== undefined) } };
}

/** `name src,dst…` */
export const setUse: ValueType<SetUse> = {
  arity: 2,
  placeholder: 'name dir[,dir]…',
  parse: ([name, list], context) => parseSetUse(name, list, context),
  print: ({ name, directions }) => [name, directions.join(',')],
};
