/** A range of ports; both ends belong to it. */
export interface Span {
  readonly lo: number;
  readonly hi: number;
}

export type Protocol = 'tcp' | 'udp' | 'icmp' | 'gre';

export interface BenchRule {
  readonly chain: string;
  readonly source: Prefix;
  readonly destination: Prefix;
  readonly protocol?: Protocol;
  readonly sports?: Span;
  readonly dports?: Span;
  readonly words: readonly string[];
  /** Empty: the rule only counts. */
  readonly target: readonly string[];
}

/** A prefix of IPv4 addresses, host byte order. */
export interface Prefix {
  readonly address: number;
  /** 0: any. */
  readonly length: number;
}

export const ANY: Prefix = { address: 0, length: 0 };

export const EVERYTHING: Span = { lo: 0, hi: 65535 };

/** As `iptables-save` prints it. */
export function ruleText({ chain, source, destination, protocol, sports, dports, words, target }: BenchRule): string {
  const prefix = (flag: string, { address, length }: Prefix): readonly string[] =>
    length === 0 ? [] : [flag, `${dotted(address)}/${length}`];
  const ports = (flag: string, span: Span | undefined): readonly string[] =>
    span === undefined ? [] : [flag, span.lo === span.hi ? String(span.lo) : `${span.lo}:${span.hi}`];
  const match = sports === undefined && dports === undefined ? [] : ['-m', String(protocol)];
  return [
    ...['-A', chain, ...prefix('-s', source), ...prefix('-d', destination)],
    ...(protocol === undefined ? [] : ['-p', protocol]),
    ...[...match, ...ports('--sport', sports), ...ports('--dport', dports), ...words, ...target],
  ].join(' ');
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}
