/** Readers of JSON that somebody else may have written: each throws {@link ShapeError} where the shape is another. */
export class ShapeError extends Error {}

export type Reader<T> = (value: unknown, where: string) => T;

export const text: Reader<string> = (value, where) => {
  if (typeof value === 'string') return value;
  throw new ShapeError(`${where} is no text`);
};

/** A whole number from 0 on. */
export const count: Reader<number> = (value, where) => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ShapeError(`${where} is no whole number`);
};

export function oneOf<const T extends string | number>(...known: readonly T[]): Reader<T> {
  return (value, where) => {
    const found = known.find((one) => one === value);
    if (found !== undefined) return found;
    throw new ShapeError(`${where} is none of ${known.join(', ')}`);
  };
}

export function list<T>(item: Reader<T>, most = Infinity): Reader<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw new ShapeError(`${where} is no list`);
    if (value.length > most) throw new ShapeError(`${where} has more than ${most} entries`);
    return value.map((one: unknown, i) => item(one, `${where}[${i}]`));
  };
}

export function member<T>(value: unknown, name: string, reader: Reader<T>, where = ''): T {
  if (typeof value !== 'object' || value === null) throw new ShapeError(`${where || 'it'} is no object`);
  return reader(Reflect.get(value, name), where === '' ? name : `${where}.${name}`);
}

/** As {@link member}; undefined where there is none. */
export function optional<T>(value: unknown, name: string, reader: Reader<T>, where = ''): T | undefined {
  const given = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return given === undefined ? undefined : member(value, name, reader, where);
}
