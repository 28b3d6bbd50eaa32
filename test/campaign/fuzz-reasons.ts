import type { Difference } from './fuzz-compare.js';

/** Why the parser and the real tool may differ on an input. */
export interface Reason {
  /** As in docs/dialect.md. */
  readonly title: string;
  holds(difference: Difference, version: string): boolean;
}

/** Whether the tool is older than the reference, iptables 1.8.11. */
function isOlder(version: string): boolean {
  return /^1\.8\.(?:\d|10)$/.test(version);
}

function reports(difference: Difference, code: string): boolean {
  return difference.diagnostics.some((diagnostic) => diagnostic.code === code);
}

/** Refused by the tool alone, with these words. */
function said({ kind, answer }: Difference, message: RegExp): boolean {
  return kind === 'accepted' && message.test(answer.message);
}

/** Refused by the kernel alone, with such options in the rules. */
function atCommit(difference: Difference, options: RegExp): boolean {
  return said(difference, /restore: line \d+ failed/) && options.test(difference.printed);
}

/** Whether both texts are the same after a change to both. */
function sameAfter({ kind, printed, saved }: Difference, change: (text: string) => string): boolean {
  return kind === 'text' && change(printed) === change(saved);
}

/** Objects outside of the dump that the kernel looks for. */
const OBJECTS =
  /--nfacct-name|-j SECMARK|--path|--helper|--timeout|--rateest\d? |-m rateest|-j IDLETIMER|--label|-j CT.* --zone/;

/** What older versions print otherwise: they leave out a full range with `!`, `! -i +`, and know fewer masks. */
function withoutNews(text: string): string {
  return text
    .replaceAll(/ ! --[-a-z]+ 0:(?:255|65535|4294967295)(?= |$)/gm, '')
    .replaceAll(/ ! -[io] \+(?= |$)/gm, '')
    .replaceAll('--icmp-type 255/255', '--icmp-type any')
    .replaceAll(/(--queue-balance \d+:)6553[45]/g, '$1')
    .replaceAll(/(--connlimit-mask) \d+/g, '$1')
    .replaceAll(/(-j NETMAP --to) \S+/g, '$1')
    .replaceAll(/(--hmark-(?:src|dst)-prefix) \S+/g, '$1');
}

/** What older versions take or refuse otherwise. */
function isNews(difference: Difference): boolean {
  const { kind, diagnostics } = difference;
  if (kind === 'text') return sameAfter(difference, withoutNews) || reports(difference, 'glued-argument');
  if (kind === 'refused') {
    return (
      diagnostics.every(({ code }) => code === 'bad-counters') ||
      diagnostics.every(({ message }) =>
        /^--(?:ctproto|queue-balance|ctorigsrcport|icmp-type)|ends before it starts$/.test(message),
      )
    );
  }
  return (
    reports(difference, 'glued-argument') ||
    said(difference, /Unknown ICMPv6 type/) ||
    atCommit(difference, /--queue-balance/)
  );
}

/** -h, -V and the like behind an option: the tool says its version or its usage and ends, and loads nothing. */
function isHelp({ kind, input, saved }: Difference): boolean {
  return kind === 'refused' && /(?:^|\s|")-\S*[hV]/m.test(input.text) && !saved.includes('\n-A ');
}

export const REASONS: readonly Reason[] = [
  {
    title: 'host names',
    holds: (difference) => reports(difference, 'host-name') && said(difference, /host\/network .* not found/s),
  },
  { title: 'users and groups', holds: (difference) => said(difference, /owner: Bad value for "--[ug]id-owner"/) },
  { title: 'older versions', holds: (difference, version) => isOlder(version) && isNews(difference) },
  { title: 'modules of the kernel', holds: (difference) => said(difference, /missing kernel module/) },
  {
    title: 'extensions of the tool',
    holds: (difference) => said(difference, /Couldn't (?:find|load) (?:match|target)/),
  },
  {
    title: 'things elsewhere',
    holds: (difference) =>
      said(difference, /Set .* doesn't exist|failed to get bpf object/s) || atCommit(difference, OBJECTS),
  },
  {
    title: 'nodes of a cluster',
    holds: (difference) => said(difference, /bad value for option "--cluster-local-nodemask"/),
  },
  {
    title: 'NUL characters',
    holds: (difference) => difference.kind === 'refused' && reports(difference, 'nul-character'),
  },
  {
    title: 'ends of lines',
    holds: (difference) => difference.kind === 'refused' && reports(difference, 'crlf'),
  },
  { title: 'help and version', holds: isHelp },
  {
    title: 'reversed ranges',
    holds: (difference) => difference.kind === 'accepted' && reports(difference, 'reversed-range'),
  },
  {
    title: 'quotes around names',
    holds: (difference) => sameAfter(difference, (text) => text.replaceAll(/["\\]/g, '')),
  },
  {
    title: 'names of protocols',
    holds: (difference, version) =>
      !isOlder(version) && sameAfter(difference, (text) => text.replaceAll(/ -p \S+/g, ' -p')),
  },
];

/** Title of the reason for which a difference is not a fault of the parser; undefined where there is none. */
export function reasonFor(difference: Difference, version: string): string | undefined {
  return REASONS.find((reason) => reason.holds(difference, version))?.title;
}
