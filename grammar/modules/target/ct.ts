import {
  defineVerbatimTarget,
  option,
  type ModuleContext,
  type OptionsOf,
  type Parsed,
  type ValueType,
} from '../define.js';
import { cutUtf8 } from '../../model/utf8.js';
import { UINT16, wholeNumber } from '../value/number.js';
import { flag, text } from '../value/text.js';

type Zone = number | 'mark';

const zone: ValueType<Zone> = {
  arity: 1,
  placeholder: 'id|mark',
  parse: ([word]) => {
    if (word.toLowerCase() === 'mark') return { value: 'mark' };
    const value = wholeNumber(word, 0, UINT16);
    return value === undefined ? { error: `"${word}" is not a zone` } : { value };
  },
  print: (value) => [String(value)],
};

function parseEvents(word: string, names: readonly string[]): Parsed<readonly string[]> {
  const given = word.split(',');
  const wrong = given.find((name) => !names.includes(name));
  if (wrong !== undefined) return { error: `"${wrong}" is none of ${names.join(', ')}` };
  return { value: names.filter((name) => given.includes(name)) };
}

function events(names: readonly string[]): ValueType<readonly string[]> {
  return {
    arity: 1,
    placeholder: 'event[,event]…',
    parse: ([word]) => parseEvents(word, names),
    print: (value) => [value.join(',')],
  };
}

const CT_EVENTS = [
  'new',
  'related',
  'destroy',
  'reply',
  'assured',
  'protoinfo',
  'helper',
  'mark',
  'natseqinfo',
  'secmark',
];

const OPTIONS = {
  notrack: option('--notrack', flag, { doc: 'do not track the connection' }),
  helper: option('--helper', text({ placeholder: 'name', cut: 15 }), { doc: 'helper for the connection' }),
  timeout: option('--timeout', text({ placeholder: 'name', cut: 31 }), { doc: 'timeout policy for the connection' }),
  events: option('--ctevents', events(CT_EVENTS), { doc: 'events to tell of the connection' }),
  expectEvents: option('--expevents', events(['new']), { doc: 'events to tell of expected connections' }),
  zoneOrig: option('--zone-orig', zone, { doc: 'zone of the original direction' }),
  zoneReply: option('--zone-reply', zone, { doc: 'zone of the reply direction' }),
  zone: option('--zone', zone, { doc: 'zone of the connection' }),
};

type Options = OptionsOf<typeof OPTIONS>;

const ZONES = ['zone', 'zoneOrig', 'zoneReply'] as const;

/** All three fill one field: the last value counts, and the directions add up. */
function zoneWords(options: Options): readonly string[] {
  const given = Object.keys(options).flatMap((key) => ZONES.filter((known) => known === key));
  const values = given.flatMap((key) => options[key]?.value ?? []);
  const fromMark = values.includes('mark');
  const id = values[values.length - 1];
  if (id === undefined || (!fromMark && id === 0)) return [];
  const directed = given.filter((key) => key !== 'zone');
  const key = directed.length === 1 ? directed[0] : 'zone';
  return [OPTIONS[key].flag, fromMark ? 'mark' : String(id)];
}

/**
 * Bytes of a policy's name that the kernel gives back: for all revisions of the target it copies as much as the first one
 * had (xt_CT.c `usersize`).
 */
const TIMEOUT_BYTES = 4;

function print(options: Options): readonly string[] {
  const { notrack, helper, timeout, events: told, expectEvents } = options;
  const named = (word: string, value: string | undefined): readonly string[] =>
    value === undefined || value === '' ? [] : [word, value];
  return [
    ...(notrack === undefined ? [] : [OPTIONS.notrack.flag]),
    ...named(OPTIONS.helper.flag, helper?.value),
    ...named(OPTIONS.timeout.flag, timeout && cutUtf8(timeout.value, TIMEOUT_BYTES)),
    ...named(OPTIONS.events.flag, told?.value.join(',')),
    ...named(OPTIONS.expectEvents.flag, expectEvents?.value.join(',')),
    ...zoneWords(options),
  ];
}

/** `xt_ct_find_proto`: helpers and timeouts belong to one protocol; nobody looks at them beside --notrack. */
function check({ notrack: untracked, helper, timeout }: Options, { protocol }: ModuleContext): string[] {
  if (untracked !== undefined) return [];
  const known = protocol !== undefined && !protocol.inverted && protocol.number !== 0;
  return (helper ?? timeout) !== undefined && !known ? ['--helper and --timeout need a -p that is not inverted'] : [];
}

/** Settings of the connection to come (net/netfilter/xt_CT.c). */
export const ct = defineVerbatimTarget({
  name: 'CT',
  families: ['v4', 'v6'],
  tables: ['raw'],
  doc: 'settings of the connection to come',
  options: OPTIONS,
  quoting: { [OPTIONS.helper.flag]: 'bare' },
  check,
  print,
});

/** The old name of `CT --notrack`, kept as written (net/netfilter/xt_CT.c `notrack_tg`). */
export const notrack = defineVerbatimTarget({
  name: 'NOTRACK',
  families: ['v4', 'v6'],
  tables: ['raw'],
  doc: 'do not track the connection',
  options: {},
});
