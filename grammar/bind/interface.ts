import type { Condition } from '../model/condition.js';
import { FALSE, inSet, not, TRUE } from '../model/condition.js';
import type { Parsed } from '../modules/define.js';
import { hexOf, utf8, utf8Length } from '../model/utf8.js';

/** IFNAMSIZ: bytes of a name, its NUL included. */
const NAME_BYTES = 16;

/** An interface name as given; a final `+` stands for any rest, one in the middle for itself. */
export function parseInterface(text: string): Parsed<string> {
  if (text === '') return { error: 'an empty interface name matches nothing that was meant' };
  if (utf8Length(text) >= NAME_BYTES) {
    return { error: `interface name "${text}" is longer than ${NAME_BYTES - 1} characters` };
  }
  return { value: text };
}

/** Characters that the kernel allows in no interface name. */
export function hasOddCharacter(name: string): boolean {
  return /[/ ]/.test(name);
}

/** Whether the name is matched by every interface. */
export function isAnyInterface(name: string): boolean {
  return name === '+';
}

/**
 * The name compared under a mask that covers the NUL of an exact name, and the bytes before a final `+`
 * (net/netfilter/x_tables.c `ifname_compare_aligned`, libxtables `xtables_parse_interface`).
 */
export function interfaceCondition(field: 'iif' | 'oif', name: string, inverted: boolean): Condition {
  if (isAnyInterface(name)) return inverted ? FALSE : TRUE;
  const condition = nameTest(field, name);
  return inverted ? not(condition) : condition;
}

/** Tests by field and name: a dump names few interfaces, many times. */
const tests = new Map<string, Condition>();
const REMEMBERED = 4096;

function nameTest(field: 'iif' | 'oif', name: string): Condition {
  const key = `${field} ${name}`;
  const before = tests.get(key);
  if (before !== undefined) return before;
  const wild = name.endsWith('+');
  const bytes = utf8(wild ? name.slice(0, -1) : name);
  const rest = BigInt(8 * (NAME_BYTES - bytes.length));
  const lo = BigInt(`0x${hexOf(bytes)}`) << rest;
  const condition = inSet(field, [{ lo, hi: wild ? lo | ((1n << rest) - 1n) : lo }]);
  if (tests.size < REMEMBERED) tests.set(key, condition);
  return condition;
}
