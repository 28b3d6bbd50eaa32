import type { Family } from '../model/family.js';

/*
 * Names of everything that iptables can load: the extensions of iptables 1.8.11 by the families they exist for, and
 * the widely used ones from elsewhere. A name that is here and not in the module registry is kept verbatim.
 */
const names = (text: string): readonly string[] => text.trim().split(/\s+/);

const MATCHES = {
  both: names(`
    addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp ecn
    esp hashlimit helper ipcomp iprange ipvs length limit mac mark multiport nfacct owner physdev pkttype policy
    quota rateest recent rpfilter sctp set socket state statistic string tcp tcpmss time tos u32 udp`),
  v4: names('icmp osf realm ttl unclean'),
  v6: names('dst eui64 frag hbh hl icmp6 icmpv6 ipv6-icmp ipv6header mh rt srh'),
  /** xtables-addons, nDPI and other modules that are not part of iptables. */
  elsewhere: names(`
    account asn condition dhcpmac dns dnset fuzzy geoip gradm iface ipp2p ipv4options layer7 length2 lscan ndpi pknock
    portscan psd quota2 webmon weburl tls url timerange bandwidth macset rndport cpuacct app id opendpi`),
};

const TARGETS = {
  both: names(`
    AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK CT DNAT DSCP HMARK IDLETIMER LED LOG MARK MASQUERADE NETMAP NFLOG
    NFQUEUE NOTRACK QUEUE RATEEST REDIRECT REJECT SECMARK SET SNAT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE`),
  v4: names('CLUSTERIP ECN MIRROR SAME TTL ULOG'),
  v6: names('DNPT HL SNPT'),
  elsewhere: names(`
    ACCOUNT CHAOS DELUDE DHCPMAC DNETMAP ECHO FLOWOFFLOAD FULLCONENAT IPMARK IPV4OPTSSTRIP LOGMARK NDPI PROTO RAWDNAT
    RAWSNAT RTPENGINE STEAL SYSRQ TARPIT TLS VOIP WEBSTR IMQ`),
};

export type ExtensionKind = 'match' | 'target';

const LISTS: Readonly<Record<ExtensionKind, typeof MATCHES>> = { match: MATCHES, target: TARGETS };

function namesFor(kind: ExtensionKind, family: Family): ReadonlySet<string> {
  const list = LISTS[kind];
  return new Set([...list.both, ...list[family], ...list.elsewhere]);
}

const KNOWN: Readonly<Record<ExtensionKind, Readonly<Record<Family, ReadonlySet<string>>>>> = {
  match: { v4: namesFor('match', 'v4'), v6: namesFor('match', 'v6') },
  target: { v4: namesFor('target', 'v4'), v6: namesFor('target', 'v6') },
};

/** Names of extensions that may exist for this family. */
export function extensionNames(kind: ExtensionKind, family: Family): ReadonlySet<string> {
  return KNOWN[kind][family];
}
