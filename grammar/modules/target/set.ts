import type { BuiltinChain } from '../../model/family.js';
import { defineVerbatimTarget, givenWords, option, type ModuleContext, type OptionsOf } from '../define.js';
import { setUse } from '../value/ipset.js';
import { number, UINT32 } from '../value/number.js';
import { flag } from '../value/text.js';

/** What the tool takes without a word, and without an effect: `!`, and the options without a set twice. */
const LENIENT = { invertible: true, repeatable: true } as const;

/** In the order in which they are printed. */
const OPTIONS = {
  add: option('--add-set', setUse, { invertible: true, doc: 'put the address or port into the set' }),
  exist: option('--exist', flag, { ...LENIENT, doc: 'refresh an entry that is there' }),
  timeout: option('--timeout', number({ max: UINT32 - 1 }), { ...LENIENT, doc: 'seconds until the entry goes' }),
  del: option('--del-set', setUse, { invertible: true, doc: 'take the address or port out of the set' }),
  map: option('--map-set', setUse, { invertible: true, doc: 'look the packet up in the set' }),
  mapMark: option('--map-mark', flag, { ...LENIENT, doc: 'set the mark that the entry says' }),
  mapPriority: option('--map-prio', flag, { ...LENIENT, doc: 'set the priority that the entry says' }),
  mapQueue: option('--map-queue', flag, { ...LENIENT, doc: 'set the queue that the entry says' }),
};

function check(options: OptionsOf<typeof OPTIONS>, { table }: ModuleContext): string[] {
  const { add, exist, timeout, del, map, mapMark, mapPriority, mapQueue } = options;
  const errors: string[] = [];
  const mapped = mapMark ?? mapPriority ?? mapQueue;
  if ((add ?? del ?? map) === undefined) errors.push('one of --add-set, --del-set, --map-set is needed');
  if (add === undefined && (exist ?? timeout) !== undefined) errors.push('--exist and --timeout need --add-set');
  if (map === undefined && mapped !== undefined) errors.push('--map-mark, --map-prio and --map-queue need --map-set');
  if (map !== undefined && mapped === undefined) {
    errors.push('--map-set needs --map-mark, --map-prio or --map-queue');
  }
  if (map !== undefined && table !== 'mangle') errors.push('--map-set can stand in table mangle alone');
  return errors;
}

/** Priority and queue count where the packet leaves. */
function hooksFor({ mapPriority, mapQueue }: OptionsOf<typeof OPTIONS>): readonly BuiltinChain[] | undefined {
  return (mapPriority ?? mapQueue) === undefined ? undefined : ['FORWARD', 'OUTPUT', 'POSTROUTING'];
}

function print(options: OptionsOf<typeof OPTIONS>, context: ModuleContext): readonly string[] {
  const upright = Object.entries(options).map(([key, given]) => [key, given && { ...given, inverted: false }]);
  return givenWords(OPTIONS, Object.fromEntries(upright), context);
}

/** Change an IP set, or take values from it (net/netfilter/xt_set.c, revision 3). */
export const setTarget = defineVerbatimTarget({
  name: 'SET',
  families: ['v4', 'v6'],
  doc: 'change an IP set, or take values from it, and go on',
  options: OPTIONS,
  hooksFor,
  check,
  print,
});
