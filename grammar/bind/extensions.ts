/** Modules of iptables by what they stand behind: `-m` or `-j`. */
export type ExtensionKind = 'match' | 'target';

function names(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

const FOREIGN: Readonly<Record<ExtensionKind, ReadonlySet<string>>> = {
  match: names(`
    account app asn bandwidth condition cpuacct dhcpmac dns dnset fuzzy geoip gradm id iface ipp2p ipv4options layer7
    length2 lscan macset ndpi opendpi pknock portscan psd quota2 rndport timerange tls unclean url webmon weburl`),
  target: names(`
    ACCOUNT CHAOS DELUDE DHCPMAC DNETMAP ECHO FLOWOFFLOAD FULLCONENAT IMQ IPMARK IPV4OPTSSTRIP LOGMARK MIRROR NDPI PROTO
    RAWDNAT RAWSNAT RTPENGINE SAME STEAL SYSRQ TARPIT TLS VOIP WEBSTR`),
};

/**
 * Names of modules that are no part of iptables (or no longer), but widely used: xtables-addons, nDPI and others. No
 * module describes their options, so that they are kept verbatim.
 */
export function extensionNames(kind: ExtensionKind): ReadonlySet<string> {
  return FOREIGN[kind];
}
