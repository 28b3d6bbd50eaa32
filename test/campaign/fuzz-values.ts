import type { Family } from '../../grammar/index.js';
import type { Random } from '../../src/verify/random.js';

/** Numbers at which limits of widths, names and formats lie. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  15n,
  16n,
  31n,
  32n,
  33n,
  63n,
  64n,
  100n,
  127n,
  128n,
  129n,
  254n,
  255n,
  256n,
  1000n,
  4095n,
  4096n,
  9999n,
  10000n,
  10001n,
  65534n,
  65535n,
  65536n,
  1000000n,
  0x7fffffffn,
  0x80000000n,
  0xfffffffen,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffffn,
  0x10000000000000000n,
];

export function numberWord(random: Random): string {
  const value = random.chance(0.5) ? random.pick(EDGES) : random.bits(random.pick([3, 6, 8, 12, 16, 24, 32]));
  const form = random.below(24);
  if (form < 16) return String(value);
  if (form < 19) return `0x${value.toString(16)}`;
  if (form < 20) return `0X${value.toString(16).toUpperCase()}`;
  if (form < 21) return `0${value.toString(8)}`;
  return random.pick([`+${value}`, `-${value}`, `${value}x`, ` ${value}`, `${value} `, `0${value}`, '', '0x', '!']);
}

export function addressWord(family: Family, random: Random): string {
  const usual = random.chance(0.95) ? family : family === 'v4' ? 'v6' : 'v4';
  return usual === 'v4' ? ipv4Word(random) : ipv6Word(random);
}

function ipv4Word(random: Random): string {
  const part = (): string =>
    String(random.chance(0.5) ? random.below(256) : random.pick([0, 1, 10, 127, 192, 224, 255]));
  const form = random.below(20);
  const whole = `${part()}.${part()}.${part()}.${part()}`;
  if (form < 15) return whole;
  return random.pick([
    `${part()}.${part()}`,
    part(),
    `${part()}.${part()}.${random.below(70000)}`,
    `010.0x0a.${part()}.1`,
    `${whole}.1`,
    `${part()}.${part()}.${part()}.256`,
    `0${whole}`,
  ]);
}

function ipv6Word(random: Random): string {
  const group = (): string => random.pick(['0', '1', 'ffff', 'fe80', '2001', 'DB8', random.bits(16).toString(16)]);
  const groups = (count: number): string => Array.from({ length: count }, group).join(':');
  return random.pick([
    '::1',
    '::',
    groups(8),
    `${groups(1 + random.below(3))}::${groups(1 + random.below(4))}`,
    `::${groups(1 + random.below(6))}`,
    `${groups(1 + random.below(7))}::`,
    `::ffff:${ipv4Word(random)}`,
    `::${ipv4Word(random)}`,
    `64:ff9b::${ipv4Word(random)}`,
    `${groups(7)}::`,
    `${groups(9)}`,
    `${group()}0:::1`,
  ]);
}

export function maskWord(family: Family, random: Random): string {
  const bits = family === 'v4' ? 32 : 128;
  const form = random.below(10);
  if (form < 7) return String(random.below(bits + 1));
  return form < 8 ? numberWord(random) : addressWord(family, random);
}

export function maskedWord(family: Family, random: Random): string {
  const address = addressWord(family, random);
  return random.chance(0.5) ? address : `${address}/${maskWord(family, random)}`;
}

const PORT_NAMES = ['http', 'ssh', 'domain', 'x11', 'ftp-data', 'HTTP', 'nosuchport', 'amqp', 'www', 'syslog'];

export function portWord(random: Random): string {
  if (random.chance(0.2)) return random.pick(PORT_NAMES);
  return random.chance(0.8) ? String(random.below(65536)) : numberWord(random);
}

function rangeOf(word: (random: Random) => string, separator: string, random: Random): string {
  const form = random.below(10);
  if (form < 4) return word(random);
  const [low, high] = [word(random), word(random)];
  const sorted = Number(low) > Number(high) && random.chance(0.8) ? [high, low] : [low, high];
  if (form < 8) return sorted.join(separator);
  return random.pick([
    `${low}${separator}`,
    `${separator}${high}`,
    separator,
    `${low}${separator}${high}${separator}1`,
  ]);
}

function listOf(word: (random: Random) => string, separators: readonly string[], random: Random): string {
  const count = 1 + random.below(random.chance(0.1) ? 20 : 4);
  const list = Array.from({ length: count }, () => word(random)).join(random.pick(separators));
  return random.chance(0.03) ? `${list},` : list;
}

/** Words of fixed vocabularies, also in places where they do not belong. */
const NAMES = (
  'NEW ESTABLISHED RELATED INVALID UNTRACKED SNAT DNAT NONE EXPECTED SEEN_REPLY ASSURED CONFIRMED ORIGINAL REPLY both ' +
  'original reply packets bytes avgpkt random nth UNICAST LOCAL BROADCAST unicast multicast broadcast SYN ACK ALL ' +
  'SYN,ACK FIN,SYN,RST,ACK NONE any all only INIT DATA ABORT:T EF CS1 AF11 BE Minimize-Delay Normal-Service Mon ' +
  'Sat,Sun 2008-01-01T10:00:00 00:00 23:59:59 10/s 5/minute 1/hour 100kb/s src dst src,dst src,dst,src srcip,dstport ' +
  'icmp-port-unreachable tcp-reset echo-request 8 3/1 any warning debug mark 1:2 1-2 in out none tunnel ipsec esp ' +
  'hop-by-hop,frag 0x1/0x2 new,related accept drop eth0 lo br+ sethash set2 foo nosuch timestamp 100 RTT'
).split(' ');

/** Text of any kind, odd characters among them. */
const TEXTS = [
  'x',
  'two words',
  'it\'s "quoted"',
  'back\\slash',
  '',
  ' ',
  'ünïcödé',
  '%s%n',
  '#',
  '!',
  '-',
  '--',
  '"',
  "'",
  'a,b',
  '\t',
];

export function textWord(random: Random): string {
  if (random.chance(0.6)) return random.pick(NAMES);
  if (random.chance(0.6)) return random.pick(TEXTS);
  return 'x'.repeat(random.pick([1, 14, 15, 16, 28, 29, 30, 31, 32, 63, 64, 65, 127, 128, 255, 256, 257, 1023]));
}

/** Words for a placeholder of an option's value (see ValueType.placeholder), right or nearly right. */
export function wordFor(placeholder: string, family: Family, random: Random): string {
  if (random.chance(0.03)) return textWord(random);
  const list = /,.*…/.test(placeholder);
  const one = (each: Random): string => simpleWord(placeholder, family, each);
  return list ? listOf(one, [',', ',', ',', ';', ':'], random) : one(random);
}

function simpleWord(placeholder: string, family: Family, random: Random): string {
  const number = (each: Random): string => numberWord(each);
  const port = (each: Random): string => portWord(each);
  const address = (each: Random): string => addressWord(family, each);
  if (placeholder.startsWith('port-') || placeholder.startsWith('port[-')) return rangeOf(port, '-', random);
  if (placeholder.startsWith('port')) return rangeOf(port, ':', random);
  if (placeholder.includes('address[-address]')) return natWord(placeholder, family, random);
  if (placeholder.startsWith('address[/')) return maskedWord(family, random);
  if (placeholder.startsWith('address')) return address(random);
  if (placeholder.startsWith('prefix/')) return `${addressWord(family, random)}/${maskWord(family, random)}`;
  if (placeholder === 'netmask' || placeholder === 'length') return maskWord(family, random);
  if (placeholder.startsWith('value[/')) return rangeOf(number, '/', random);
  if (placeholder.startsWith('id[-')) return rangeOf(number, '-', random);
  if (placeholder.startsWith('rate')) return rateWord(random);
  if (placeholder.startsWith('XX:')) return macWord(random);
  if (/^(?:mask comp|name dir|any.all)/.test(placeholder)) return random.pick(NAMES);
  if (/\[:/.test(placeholder)) return rangeOf(number, ':', random);
  if (/^(?:number|size|bits|mask|value|seconds|count|milliseconds|length|day|major)/.test(placeholder)) {
    return random.chance(0.9) ? numberWord(random) : rangeOf(number, ':', random);
  }
  return random.chance(0.8) ? random.pick(NAMES) : numberWord(random);
}

function natWord(placeholder: string, family: Family, random: Random): string {
  const addresses = rangeOf((each) => addressWord(family, each), '-', random);
  if (!placeholder.includes('port')) return addresses;
  const shown = family === 'v6' && random.chance(0.8) ? `[${addresses}]` : addresses;
  const ports = rangeOf((each) => portWord(each), '-', random);
  return random.pick([addresses, shown, `${shown}:${ports}`, `:${ports}`, `${shown}:${ports}/${numberWord(random)}`]);
}

function rateWord(random: Random): string {
  const unit = random.pick([
    's',
    'sec',
    'second',
    'minute',
    'min',
    'm',
    'hour',
    'day',
    'd',
    'week',
    '',
    'S',
    'b/s',
    'kb/s',
    'mb/s',
  ]);
  return `${numberWord(random)}${random.chance(0.9) ? '/' : ''}${unit}`.replace('/kb', 'kb').replace('/mb', 'mb');
}

function macWord(random: Random): string {
  const byte = (): string =>
    random
      .bits(8)
      .toString(16)
      .padStart(random.below(10) < 8 ? 2 : 1, '0');
  const word = Array.from({ length: random.chance(0.9) ? 6 : random.below(9) }, byte).join(
    random.chance(0.95) ? ':' : '-',
  );
  return random.chance(0.5) ? word.toUpperCase() : word;
}
