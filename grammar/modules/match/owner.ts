import { opaque, type IdTest } from '../../model/condition.js';
import {
  defineMatch,
  givenWords,
  isBefore,
  isEmpty,
  option,
  type Given,
  type OptionsOf,
  type Parsed,
  type ValueType,
} from '../define.js';
import { scanNumber } from '../value/number.js';
import { flag } from '../value/text.js';

/** A name of the system, or ids from `lo` to `hi`. */
type Ids = { readonly name: string } | { readonly lo: number; readonly hi: number };

const MAX_ID = 0xfffffffe;

/**
 * A range of ids, or a name: root is 0 everywhere, the others mean what the system says that loads the rule, so they
 * stay as they are.
 */
function parseIds(word: string): Parsed<Ids> {
  if (word === 'root') return { value: { lo: 0, hi: 0 } };
  if (/^[a-zA-Z_][-\w.]*\$?$/.test(word)) return { value: { name: word } };
  const lo = scanNumber(word, 0, MAX_ID);
  if (lo === undefined) return { error: `"${word}" is neither a number nor a name` };
  if (lo.rest === '') return { value: { lo: lo.value, hi: lo.value } };
  const hi = /^[-:]/.test(lo.rest) ? scanNumber(lo.rest.slice(1), 0, MAX_ID) : undefined;
  if (hi?.rest !== '') return { error: `"${word}" is not a range of ids` };
  return { value: { lo: lo.value, hi: hi.value } };
}

const ids: ValueType<Ids> = {
  arity: 1,
  placeholder: 'id[-id]',
  parse: ([word]) => parseIds(word),
  print: (value) => {
    if ('name' in value) return [value.name];
    return [value.lo === value.hi ? String(value.lo) : `${value.lo}-${value.hi}`];
  },
};

/** In the order in which they are printed. */
const OPTIONS = {
  socket: option('--socket-exists', flag, { invertible: true, doc: 'the packet has a socket' }),
  user: option('--uid-owner', ids, { invertible: true, doc: 'user of the socket' }),
  group: option('--gid-owner', ids, { invertible: true, doc: 'group of the socket' }),
  supplementary: option('--suppl-groups', flag, { doc: 'look at supplementary groups too' }),
};

function isReversed(given: Given<Ids> | undefined): boolean {
  return given !== undefined && 'lo' in given.value && given.value.lo > given.value.hi;
}

function check(options: OptionsOf<typeof OPTIONS>): string[] {
  if (isEmpty(options)) return ['one of --uid-owner, --gid-owner, --socket-exists is needed'];
  const errors: string[] = [];
  if (isReversed(options.user) || isReversed(options.group)) errors.push('a range of ids ends before it starts');
  if (options.supplementary !== undefined && !isBefore(options, 'group', 'supplementary')) {
    errors.push('--suppl-groups needs --gid-owner before it');
  }
  return errors;
}

/** The ids of a test, as far as they are numbers. */
function idTest(given: Given<Ids> | undefined): IdTest | undefined {
  return given === undefined || 'name' in given.value ? undefined : { ...given.value, inverted: given.inverted };
}

/** Owner of the local socket (net/netfilter/xt_owner.c). */
export const owner = defineMatch({
  name: 'owner',
  families: ['v4', 'v6'],
  hooks: ['OUTPUT', 'POSTROUTING'],
  doc: 'owner of the local socket',
  options: OPTIONS,
  check,
  condition: (options, context) => {
    const { socket, supplementary } = options;
    const user = idTest(options.user);
    const group = idTest(options.group);
    // What a name stands for, and which groups else a process is in, is not known here.
    const names = [options.user, options.group].some((given) => given !== undefined && 'name' in given.value);
    if (names || supplementary !== undefined) {
      return opaque({ name: 'module', module: 'owner', words: givenWords(OPTIONS, options, context) });
    }
    return opaque({
      name: 'owner',
      ...(socket === undefined ? {} : { socket: { inverted: socket.inverted } }),
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
    });
  },
});
