import type { Family } from '../../../grammar/model/family.js';

/** Rules of one module, each of which packets are to match and not to match. */
export interface ModuleCase {
  readonly module: string;
  readonly family: Family;
  /** Words in front of each rule's match, as `-p sctp`. */
  readonly head?: string;
  readonly matches: readonly string[];
}

const both = (one: Omit<ModuleCase, 'family'>): readonly ModuleCase[] =>
  (['v4', 'v6'] as const).map((family) => ({ ...one, family }));
const v6 = (module: string, ...matches: readonly string[]): ModuleCase => ({ module, family: 'v6', matches });

/** Modules whose meaning is in the packet, with the options that they have. */
export const MODULE_CASES: readonly ModuleCase[] = [
  ...both({
    module: 'sctp',
    head: '-p sctp',
    matches: [
      '--sport 1000:2000',
      '! --dport 80',
      '--chunk-types any DATA,INIT',
      '--chunk-types any DATA:Be,ABORT:T',
      '--chunk-types all DATA,SACK',
      '--chunk-types all DATA:uB,SACK,INIT',
      '--chunk-types only DATA,SACK,ABORT:t',
      '! --chunk-types any INIT',
      '! --chunk-types all DATA,HEARTBEAT',
      '! --chunk-types only SACK',
      '--dport 1:60000 --chunk-types any ALL',
      '! --chunk-types all ALL',
      '! --chunk-types any NONE',
    ],
  }),
  ...both({
    module: 'dccp',
    head: '-p dccp',
    matches: [
      '--sport 1000:2000 ! --dport 80',
      '--dccp-types REQUEST,RESPONSE,INVALID',
      '! --dccp-types DATA,ACK,RESET',
      '--dccp-option 32',
      '! --dccp-option 44',
      '--dccp-types DATA --dccp-option 1',
    ],
  }),
  ...both({ module: 'tcpmss', head: '-p tcp', matches: ['--mss 536:1460', '! --mss 1460', '--mss 0:65535'] }),
  ...both({
    module: 'ecn',
    head: '-p tcp',
    matches: ['--ecn-tcp-cwr', '! --ecn-tcp-ece', '--ecn-tcp-ece ! --ecn-tcp-cwr', '! --ecn-ip-ect 0 --ecn-tcp-ece'],
  }),
  ...both({ module: 'esp', head: '-p esp', matches: ['--espspi 500:1000', '! --espspi 7'] }),
  { module: 'ah', family: 'v4', head: '-p ah', matches: ['--ahspi 500:1000', '! --ahspi 7'] },
  ...both({ module: 'ipcomp', head: '-p ipcomp', matches: ['--ipcompspi 3:7', '! --ipcompspi 9', '--compres'] }),
  v6('ah', '--ahspi 500:1000', '! --ahspi 7 --ahlen 24', '! --ahlen 24', '--ahres', '--ahspi 3:9 --ahres --ahlen 12'),
  v6(
    'frag',
    '--fragid 500:1000',
    '! --fragid 7 --fragres',
    '--fragfirst --fragmore',
    '--fraglast',
    '--fraglen 8 --fragid 1:9 --fragfirst --fraglast --fragres',
  ),
  v6(
    'rt',
    '--rt-type 2',
    '! --rt-type 0 --rt-segsleft 1:3',
    '! --rt-segsleft 2 --rt-len 24',
    '! --rt-len 8',
    '--rt-type 0 --rt-0-res',
    '--rt-type 0 --rt-0-addrs 2001:db8::1,2001:db8::2',
    '--rt-type 0 --rt-0-addrs 2001:db8::1,2001:db8::2,2001:db8::3 --rt-0-not-strict',
    '--rt-type 0 --rt-segsleft 0:9 --rt-0-res --rt-0-addrs 2001:db8::7 --rt-0-not-strict',
  ),
  v6('hbh', '--hbh-len 16', '! --hbh-len 8', '--hbh-opts 5:2', '--hbh-len 16 --hbh-opts 1:4,0,5'),
  v6('dst', '--dst-len 24', '! --dst-len 8', '--dst-opts 4:1', '--dst-opts 0,0,1,6:0', '--dst-opts 201,1:2,7:3'),
  v6(
    'ipv6header',
    '--header dst,prot',
    '! --header prot',
    '--header hop,dst,route,frag --soft',
    '! --header frag,route --soft',
    '--header none --soft',
    '--header auth,prot',
    '--header esp --soft',
  ),
  { module: 'mh', family: 'v6', head: '-p mh', matches: ['--mh-type 3:5', '! --mh-type 1', '--mh-type bu'] },
  v6('eui64', ''),
  v6(
    'srh',
    '--srh-next-hdr 6',
    '! --srh-next-hdr 17 --srh-hdr-len-gt 2',
    '--srh-hdr-len-lt 7 ! --srh-segs-left-eq 1',
    '--srh-segs-left-gt 0 --srh-last-entry-lt 3',
    '--srh-last-entry-eq 2 ! --srh-tag 258',
    '--srh-tag 4660',
    '--srh-psid 2001:db8::/32',
    '! --srh-nsid 2001:db8::5',
    '--srh-lsid 2001:db8::7',
  ),
  ...both({
    module: 'u32',
    matches: [
      '--u32 "0x38>>16=0x50:0x60,0x1000"',
      '! --u32 "0x30&0xff00>>8=0x11:0x20"',
      '--u32 "0x3c=0x1:0xffff&&0x40&0xff=0x5"',
      '--u32 "0x4>>0x1f=0x0"',
    ],
  }),
  {
    module: 'u32',
    family: 'v4',
    matches: [
      '--u32 "0x0>>0x16&0x3c@0x0>>0x10=0x0:0x2000"',
      '--u32 "0x6&0xff=0x6&&0x0>>0x16&0x3c@0xc>>0x1a&0x3c@0x0&0x1=0x1"',
      '--u32 "0x8>>0x18=0x3e:0x40"',
      '! --u32 "0x8&0xffff=0x0:0x8000"',
      '--u32 "0x0@0xffffffff=0x0"',
    ],
  },
  {
    module: 'bpf',
    family: 'v4',
    matches: [
      // UDP; TCP to port 80 at least, header length read; words behind arithmetic and memory.
      '--bytecode "4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0"',
      '--bytecode "6,48 0 0 9,21 0 3 6,177 0 0 0,72 0 0 2,53 0 0 80,22 0 0 0"',
      '--bytecode "8,128 0 0 0,2 0 0 3,32 0 0 12,97 0 0 3,12 0 0 0,84 0 0 4,21 0 0 0,22 0 0 0"',
      '--bytecode "4,48 0 0 8,37 0 1 62,6 0 0 1,6 0 0 0"',
      '--bytecode "5,40 0 0 4294963200,21 0 2 2048,40 0 0 4293918724,22 0 0 0,6 0 0 0"',
    ],
  },
  {
    module: 'bpf',
    family: 'v6',
    matches: [
      '--bytecode "4,48 0 0 6,21 0 1 17,6 0 0 1,6 0 0 0"',
      '--bytecode "5,48 0 0 7,53 0 2 63,32 0 0 40,22 0 0 0,6 0 0 0"',
      '--bytecode "6,1 0 0 4294967294,64 0 0 42,4 0 0 7,148 0 0 3,7 0 0 0,22 0 0 0"',
    ],
  },
  ...both({
    module: 'string',
    matches: [
      '--string "hello" --algo bm',
      '--string "abcabcabd" --algo kmp',
      '! --hex-string "|00ff00|" --algo kmp --from 40',
      '--string "GET /" --algo bm --to 120',
      '--string "aAaAb" --algo bm --icase --from 50 --to 100',
      '! --string "Mixed.Case" --algo kmp --icase',
      '--hex-string "|e9|t|c9|" --algo kmp --icase',
    ],
  }),
];
