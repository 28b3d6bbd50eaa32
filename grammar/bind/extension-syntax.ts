import type { BuiltinChain, TableName } from '../model/family.js';
import type { ExtensionKind } from './extensions.js';

/*
 * Options of extensions that no module describes: enough to tell where their words end. `name:words`, `!` in front of
 * those that can be inverted, `?` for a word that may be left out (option tables of iptables 1.8.11's extensions). An
 * extension that is not listed has an unknown vocabulary.
 */
const MATCH_OPTIONS = `
ah !ahspi:1 !ahlen:1 ahres:0
bpf bytecode:1 object-pinned:1
cgroup !cgroup:1 !path:1
cluster cluster-total-nodes:1 !cluster-local-node:1 !cluster-local-nodemask:1 cluster-hash-seed:1
connbytes !connbytes:1 connbytes-dir:1 connbytes-mode:1
connlabel !label:1 set:0
connlimit !connlimit-upto:1 !connlimit-above:1 connlimit-mask:1 connlimit-saddr:0 connlimit-daddr:0
connmark !mark:1
cpu !cpu:1
dccp !source-port:1 !sport:1 !destination-port:1 !dport:1 !dccp-types:1 !dccp-option:1
devgroup !src-group:1 !dst-group:1
dst !dst-len:1 dst-opts:1
ecn !ecn-tcp-cwr:0 !ecn-tcp-ece:0 !ecn-ip-ect:1
esp !espspi:1
eui64
frag !fragid:1 !fraglen:1 fragres:0 fragfirst:0 fragmore:0 fraglast:0
hashlimit !hashlimit:1 hashlimit-burst:1 hashlimit-htable-size:1 hashlimit-htable-max:1 hashlimit-htable-gcinterval:1 \
hashlimit-htable-expire:1 hashlimit-mode:1 hashlimit-name:1 !hashlimit-upto:1 !hashlimit-above:1 \
hashlimit-srcmask:1 hashlimit-dstmask:1 hashlimit-rate-match:0 hashlimit-rate-interval:1
hbh !hbh-len:1 hbh-opts:1
helper !helper:1
ipcomp !ipcompspi:1 compres:0
ipv6header !header:1 soft:0
ipvs !ipvs:0 !vproto:1 !vaddr:1 !vport:1 vdir:1 !vmethod:1 !vportctl:1
mh !mh-type:1
nfacct nfacct-name:1
osf !genre:1 ttl:1 log:1
owner !uid-owner:1 !gid-owner:1 !pid-owner:1 !sid-owner:1 !cmd-owner:1 !socket-exists:0 suppl-groups:0
physdev !physdev-in:1 !physdev-out:1 !physdev-is-in:0 !physdev-is-out:0 !physdev-is-bridged:0
policy dir:1 pol:1 strict:0 !reqid:1 !spi:1 !tunnel-src:1 !tunnel-dst:1 !proto:1 !mode:1 next:0
quota !quota:1
rateest !rateest1:1 rateest:1 !rateest2:1 rateest-bps1:? rateest-pps1:? rateest-bps2:? rateest-pps2:? rateest-bps:? \
rateest-pps:? rateest-delta:0 !rateest-lt:0 !rateest-gt:0 !rateest-eq:0
realm !realm:1
recent !set:0 !rcheck:0 !update:0 !remove:0 seconds:1 reap:0 hitcount:1 rttl:0 name:1 rsource:0 rdest:0 mask:1
rpfilter loose:0 validmark:0 accept-local:0 invert:0
rt !rt-type:1 !rt-segsleft:1 !rt-len:1 rt-0-res:0 rt-0-addrs:1 rt-0-not-strict:0
sctp !source-port:1 !sport:1 !destination-port:1 !dport:1 !chunk-types:2
set !match-set:2 !set:2 return-nomatch:0 !update-counters:0 !update-subcounters:0 !packets-eq:1 packets-lt:1 \
packets-gt:1 !bytes-eq:1 bytes-lt:1 bytes-gt:1
socket transparent:0 nowildcard:0 restore-skmark:0
srh !srh-next-hdr:1 !srh-hdr-len-eq:1 !srh-hdr-len-gt:1 !srh-hdr-len-lt:1 !srh-segs-left-eq:1 !srh-segs-left-gt:1 \
!srh-segs-left-lt:1 !srh-last-entry-eq:1 !srh-last-entry-gt:1 !srh-last-entry-lt:1 !srh-tag:1 !srh-psid:1 \
!srh-nsid:1 !srh-lsid:1
statistic mode:1 !probability:1 !every:1 packet:1
string from:1 to:1 algo:1 !string:1 !hex-string:1 icase:0
tcpmss !mss:1
time datestart:1 datestop:1 timestart:1 timestop:1 contiguous:0 !weekdays:1 !monthdays:1 localtz:0 utc:0 kerneltz:0
u32 !u32:1`;

const TARGET_OPTIONS = `
AUDIT type:1
CHECKSUM checksum-fill:0
CLASSIFY set-class:1
CLUSTERIP new:0 hashmode:1 clustermac:1 total-nodes:1 local-node:1 hash-init:1
CONNMARK set-mark:1 save-mark:0 restore-mark:0 mask:1 set-xmark:1 and-mark:1 or-mark:1 xor-mark:1 ctmask:1 nfmask:1 \
left-shift-mark:1 right-shift-mark:1
CONNSECMARK save:0 restore:0
CT notrack:0 helper:1 ctevents:1 expevents:1 zone-orig:1 zone-reply:1 zone:1 timeout:1
DNAT to-destination:1 random:0 persistent:0
DNPT src-pfx:1 dst-pfx:1
DSCP set-dscp:1 set-dscp-class:1
ECN ecn-tcp-remove:0 ecn-tcp-cwr:1 ecn-tcp-ece:1 ecn-ip-ect:1
HL hl-set:1 hl-dec:1 hl-inc:1
HMARK hmark-tuple:1 hmark-src-prefix:1 hmark-dst-prefix:1 hmark-sport-mask:1 hmark-dport-mask:1 hmark-spi-mask:1 \
hmark-sport:1 hmark-dport:1 hmark-spi:1 hmark-proto-mask:1 hmark-rnd:1 hmark-mod:1 hmark-offset:1
IDLETIMER timeout:1 label:1 alarm:0
LED led-trigger-id:1 led-delay:1 led-always-blink:0
MASQUERADE to-ports:1 random:0 random-fully:0
NETMAP to:1
NFLOG nflog-group:1 nflog-prefix:1 nflog-range:1 nflog-size:1 nflog-threshold:1
NFQUEUE queue-num:1 queue-balance:1 queue-bypass:0 queue-cpu-fanout:0
NOTRACK
QUEUE
RATEEST rateest-name:1 rateest-interval:1 rateest-ewmalog:1
REDIRECT to-ports:1 random:0
SECMARK selctx:1
SET add-set:2 del-set:2 exist:0 timeout:1 map-set:2 map-mark:0 map-prio:0 map-queue:0
SNAT to-source:1 random:0 random-fully:0 persistent:0
SNPT src-pfx:1 dst-pfx:1
SYNPROXY sack-perm:0 timestamp:0 wscale:1 mss:1 ecn:0
TCPMSS set-mss:1 clamp-mss-to-pmtu:0
TCPOPTSTRIP strip-options:1
TEE gateway:1 oif:1
TOS set-tos:1 and-tos:1 or-tos:1 xor-tos:1
TPROXY on-port:1 on-ip:1 tproxy-mark:1
TRACE
TTL ttl-set:1 ttl-dec:1 ttl-inc:1
ULOG ulog-nlgroup:1 ulog-prefix:1 ulog-cprange:1 ulog-qthreshold:1`;

/** An option of an extension that is kept verbatim. */
export interface ExtensionOption {
  /** Words behind it, 0 to 2, or one that may be left out. */
  readonly words: number | 'optional';
  readonly invertible: boolean;
}

/** Options by flag (`--name`). */
export type ExtensionSyntax = ReadonlyMap<string, ExtensionOption>;

function readSyntax(text: string): ReadonlyMap<string, ExtensionSyntax> {
  const lines = text.trim().split('\n');
  return new Map(
    lines.map((line) => {
      const [name, ...options] = line.split(/ +/);
      return [name, new Map(options.map(readOption))] as const;
    }),
  );
}

function readOption(text: string): readonly [flag: string, option: ExtensionOption] {
  const invertible = text.startsWith('!');
  const [name, words] = text.replace('!', '').split(':');
  return [`--${name}`, { words: words === '?' ? 'optional' : Number(words), invertible }];
}

const SYNTAX: Readonly<Record<ExtensionKind, ReadonlyMap<string, ExtensionSyntax>>> = {
  match: readSyntax(MATCH_OPTIONS),
  target: readSyntax(TARGET_OPTIONS),
};

/** The options of an extension, undefined where they are not known. */
export function extensionSyntax(kind: ExtensionKind, name: string): ExtensionSyntax | undefined {
  return SYNTAX[kind].get(name);
}

/** Where the kernel lets a target stand. */
export interface TargetLimits {
  readonly tables?: readonly TableName[];
  readonly hooks?: readonly BuiltinChain[];
}

const MANGLE: TargetLimits = { tables: ['mangle'] };
const RAW: TargetLimits = { tables: ['raw'] };
const NAT_IN: TargetLimits = { tables: ['nat'], hooks: ['PREROUTING', 'OUTPUT'] };
const NAT_OUT: TargetLimits = { tables: ['nat'], hooks: ['POSTROUTING', 'INPUT'] };

/** `table` and `hooks` of the `xt_target`s (net/netfilter/xt_*.c, net/ipv4/netfilter/ipt_*.c). */
const LIMITS: ReadonlyMap<string, TargetLimits> = new Map([
  ['CHECKSUM', MANGLE],
  ['CLASSIFY', { hooks: ['OUTPUT', 'FORWARD', 'POSTROUTING'] }],
  ['CONNSECMARK', { tables: ['mangle', 'security'] }],
  ['CT', RAW],
  ['DNAT', NAT_IN],
  ['DNPT', MANGLE],
  ['DSCP', MANGLE],
  ['ECN', MANGLE],
  ['HL', MANGLE],
  ['MASQUERADE', { tables: ['nat'], hooks: ['POSTROUTING'] }],
  ['NETMAP', { tables: ['nat'], hooks: ['PREROUTING', 'POSTROUTING', 'OUTPUT', 'INPUT'] }],
  ['NOTRACK', RAW],
  ['REDIRECT', NAT_IN],
  ['SECMARK', { tables: ['mangle', 'security'] }],
  ['SNAT', NAT_OUT],
  ['SNPT', MANGLE],
  ['SYNPROXY', { hooks: ['INPUT', 'FORWARD'] }],
  ['TCPOPTSTRIP', MANGLE],
  ['TOS', MANGLE],
  ['TPROXY', { tables: ['mangle'], hooks: ['PREROUTING'] }],
  ['TRACE', RAW],
  ['TTL', MANGLE],
]);

export function targetLimits(name: string): TargetLimits {
  return LIMITS.get(name) ?? {};
}
