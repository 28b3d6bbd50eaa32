import type { Family } from '../../grammar/model/family.js';

/** Words of a rule with a match; several where its options are answered differently. */
export interface ModuleSample {
  readonly module: string;
  readonly words: string;
  readonly families: readonly Family[];
  /** A rule of table mangle without which iptables does not take it. */
  readonly beside?: string;
}

const BOTH: readonly Family[] = ['v4', 'v6'];
const of =
  (families: readonly Family[]) =>
  (module: string, words = ''): ModuleSample => ({
    module,
    words: `-m ${module} ${words}`.trim(),
    families,
  });
const any = of(BOTH);
const v4 = of(['v4']);
const v6 = of(['v6']);
const behind = (protocol: string, sample: ModuleSample): ModuleSample => ({
  ...sample,
  words: `-p ${protocol} ${sample.words}`,
});

const ESTIMATOR = '-A POSTROUTING -j RATEEST --rateest-name a --rateest-interval 250ms --rateest-ewmalog 500ms';

/** At least one rule for every match that is understood, in the order of the documentation. */
export const MODULE_SAMPLES: readonly ModuleSample[] = [
  any('addrtype', '--dst-type MULTICAST'),
  any('addrtype', '--dst-type LOCAL'),
  behind('ah', v4('ah', '--ahspi 1')),
  v6('ah', '--ahspi 1'),
  any('bpf', '--bytecode "1,6 0 0 1"'),
  any('cgroup', '--cgroup 1'),
  any('cluster', '--cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 0x1'),
  any('comment', '--comment text'),
  any('connbytes', '--connbytes 1:2 --connbytes-mode bytes --connbytes-dir both'),
  any('connlabel', '--label 1'),
  any('connlimit', '--connlimit-above 5'),
  any('connmark', '--mark 0x1'),
  any('conntrack', '--ctstate NEW'),
  any('conntrack', '--ctproto 6'),
  any('cpu', '--cpu 0'),
  behind('dccp', any('dccp', '--dccp-types REQUEST --dccp-option 1')),
  any('devgroup', '--src-group 0x1'),
  any('dscp', '--dscp 0x10'),
  v6('dst', '--dst-len 8'),
  behind('tcp', any('ecn', '--ecn-tcp-cwr --ecn-ip-ect 2')),
  behind('esp', any('esp', '--espspi 1')),
  v6('eui64'),
  v6('frag', '--fragid 1'),
  any('hashlimit', '--hashlimit-upto 5/sec --hashlimit-name a'),
  v6('hbh', '--hbh-len 8'),
  any('helper', '--helper ftp'),
  v6('hl', '--hl-eq 64'),
  behind('icmp', v4('icmp', '--icmp-type 8')),
  behind('ipv6-icmp', v6('icmp6', '--icmpv6-type 128')),
  behind('ipcomp', any('ipcomp', '--ipcompspi 1')),
  v4('iprange', '--src-range 192.0.2.1-192.0.2.9'),
  v6('ipv6header', '--header dst --soft'),
  any('ipvs', '--ipvs'),
  any('length', '--length 100:200'),
  any('limit', '--limit 5/sec'),
  any('mac', '--mac-source 02:00:00:00:00:01'),
  any('mark', '--mark 0x1'),
  behind('mh', v6('mh', '--mh-type 5')),
  behind('tcp', any('multiport', '--dports 22,80')),
  any('nfacct', '--nfacct-name a'),
  behind('tcp', v4('osf', '--genre Linux')),
  any('owner', '--uid-owner 0'),
  any('physdev', '--physdev-in eth1'),
  any('pkttype', '--pkt-type broadcast'),
  any('policy', '--dir in --pol ipsec'),
  any('quota', '--quota 1000'),
  { ...any('rateest', '--rateest a --rateest-gt --rateest-bps 1kbit'), beside: ESTIMATOR },
  v4('realm', '--realm 0x1'),
  any('recent', '--name a --rcheck'),
  any('rpfilter'),
  v6('rt', '--rt-type 0'),
  behind('sctp', any('sctp', '--dport 80 --chunk-types any DATA')),
  any('set', '--match-set a src'),
  any('socket'),
  v6('srh', '--srh-segs-left-eq 1'),
  any('state', '--state NEW'),
  any('statistic', '--mode random --probability 0.5'),
  any('statistic', '--mode nth --every 2 --packet 0'),
  any('string', '--string text --algo bm'),
  behind('tcp', any('tcp', '--dport 80 --tcp-option 2')),
  behind('tcp', any('tcpmss', '--mss 536:1460')),
  any('time', '--timestart 08:00 --timestop 18:00'),
  any('tos', '--tos 0x10'),
  v4('ttl', '--ttl-eq 64'),
  any('u32', '--u32 "0x0>>0x1c=0x4"'),
  behind('udp', any('udp', '--dport 53')),
];
