import type { Family } from '../../grammar/model/family.js';
import type { Random } from './random.js';

const not = (random: Random): string => (random.chance(0.25) ? '! ' : '');
const range = (random: Random, top: number): string => {
  const lo = random.below(top);
  return random.chance(0.4) ? String(lo) : `${lo}:${lo + random.below(top - lo)}`;
};
const hex = (random: Random, bytes: number): string =>
  Array.from(random.bytes(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

const CHUNKS = ['DATA', 'INIT', 'SACK', 'ABORT:T', 'ABORT:t', 'DATA:Be', 'SHUTDOWN', 'HEARTBEAT', 'ERROR'];

function chunks(random: Random): string {
  const kind = random.pick(['any', 'all', 'only']);
  const names = CHUNKS.filter(() => random.chance(0.3));
  // One way to write a type's flags is enough.
  const list = names.filter((name, i) => names.findIndex((one) => one.split(':')[0] === name.split(':')[0]) === i);
  return `${not(random)}--chunk-types ${kind} ${list.join(',') || random.pick(['DATA', 'ALL', 'NONE'])}`;
}

/** Matches of one protocol: its name and what may be asked. */
export function randomProtocolMatch(
  family: Family,
  random: Random,
): { readonly protocol: string; readonly words: string } {
  const kind = random.below(family === 'v6' ? 6 : 5);
  switch (kind) {
    case 0:
      return {
        protocol: 'sctp',
        words: `-m sctp ${random.chance(0.7) ? chunks(random) : `--sport ${range(random, 65536)}`}`,
      };
    case 1: {
      const types = ['REQUEST', 'DATA', 'ACK', 'RESET', 'INVALID'].filter(() => random.chance(0.4)).join(',') || 'DATA';
      const option = `${not(random)}--dccp-option ${1 + random.below(60)}`;
      return {
        protocol: 'dccp',
        words: `-m dccp ${random.chance(0.5) ? `${not(random)}--dccp-types ${types}` : option}`,
      };
    }
    case 2:
      return { protocol: 'esp', words: `-m esp ${not(random)}--espspi ${range(random, 1000)}` };
    case 3:
      return { protocol: 'ipcomp', words: `-m ipcomp ${not(random)}--ipcompspi ${range(random, 1000)}` };
    case 4:
      return family === 'v4'
        ? { protocol: 'ah', words: `-m ah ${not(random)}--ahspi ${range(random, 1000)}` }
        : { protocol: 'tcp', words: `-m tcpmss ${not(random)}--mss ${range(random, 1500)}` };
    default:
      return { protocol: 'mh', words: `-m mh ${not(random)}--mh-type ${range(random, 8)}` };
  }
}

function words(random: Random): string {
  const start = random.pick([0, 4, 6, 8, 12, 16, 20, 24, 28, 40, 44, 48, 60]);
  const shift = random.pick([0, 8, 16, 24]);
  const mask = random.pick([0xff, 0xffff, 0xf0]);
  const steps = random.chance(0.3) ? '0x0>>0x16&0x3c@' : '';
  const lo = random.below(mask);
  return `-m u32 ${not(random)}--u32 "${steps}0x${start.toString(16)}>>${shift}&${mask}=${lo}:${lo + random.below(200)}"`;
}

const TEXTS = ['GET /', 'abcabd', 'HELLO', 'a', '|00|', '|0d0a|', '|1603|'];

function text(random: Random): string {
  const what = random.chance(0.2) ? `|${hex(random, 1 + random.below(3))}|` : random.pick(TEXTS);
  const from = random.pick([0, 0, 20, 40, random.below(60)]);
  const to = random.chance(0.5) ? '' : ` --to ${from + random.below(200)}`;
  const icase = random.chance(0.3) ? ' --icase' : '';
  // Boyer-Moore is exact for letters of ASCII alone.
  const algorithm = icase === '' && random.chance(0.5) ? 'bm' : 'kmp';
  const flag = what.startsWith('|') ? '--hex-string' : '--string';
  return `-m string ${not(random)}${flag} "${what}" --algo ${algorithm} --from ${from}${to}${icase}`;
}

const ANY: readonly ((random: Random) => string)[] = [words, text];

const HEADERS = ['hop', 'dst', 'route', 'frag', 'auth', 'prot', 'none'];

const EXTENSIONS: readonly ((random: Random) => string)[] = [
  (random) => `-m rt ${not(random)}--rt-type ${random.below(5)} ${not(random)}--rt-segsleft ${range(random, 5)}`,
  (random) => `-m rt --rt-type 0 --rt-0-addrs 2001:db8::${random.below(3)} --rt-0-not-strict`,
  (random) =>
    `-m frag ${not(random)}--fragid ${range(random, 100)} ${random.pick(['--fragfirst', '--fragmore', '--fragres'])}`,
  (random) => `-m hbh ${not(random)}--hbh-len ${8 * (1 + random.below(3))}`,
  (random) => `-m dst --dst-opts ${random.pick(['1', '1:4', '5:2', '0,0', '4'])}`,
  (random) => `-m ah ${not(random)}--ahspi ${range(random, 1000)}${random.chance(0.3) ? ' --ahres' : ''}`,
  (random) => {
    const names = HEADERS.filter(() => random.chance(0.3)).join(',') || 'prot';
    return `-m ipv6header ${not(random)}--header ${names}${random.chance(0.5) ? ' --soft' : ''}`;
  },
  (random) => `-m srh ${not(random)}--srh-segs-left-eq ${random.below(3)}`,
];

/** A match that walks over the packet, of any protocol. */
export function randomPayloadMatch(family: Family, random: Random): string {
  return random.pick(family === 'v6' ? [...ANY, ...EXTENSIONS] : ANY)(random);
}
