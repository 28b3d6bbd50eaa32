/**
 * What a file is that is no dump, in words for the user; undefined where nothing is recognised. Whoever hands over the
 * wrong file needs one sentence, not an error for each of its lines.
 */
export function recogniseBytes(bytes: Buffer): string | undefined {
  const starts = (...magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
  if (starts(0x7f, 0x45, 0x4c, 0x46)) return 'an ELF file: the dump is wanted, not what is compiled from it';
  if (starts(0x1f, 0x8b)) return 'compressed: unpack it with gunzip first';
  if (starts(0xff, 0xfe) || starts(0xfe, 0xff)) return 'UTF-16 text: convert it with iconv -f UTF-16 -t UTF-8';
  const head = bytes.subarray(0, 4096);
  const odd = head.filter((byte) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d).length;
  return odd * 10 > head.length ? 'a binary file' : undefined;
}

const KINDS: readonly { readonly line: RegExp; readonly what: string }[] = [
  { line: /^(table|add table) (ip|ip6|inet|arp|bridge|netdev) /, what: 'the output of nft list ruleset' },
  { line: /^Chain \S+ \((policy|\d+ references)/, what: 'the output of iptables -L' },
  { line: /^-P (INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) /, what: 'the output of iptables -S' },
  { line: /^create \S+ (hash|bitmap|list):/, what: 'the output of ipset save' },
  { line: /^(#!.*sh\b|(sudo )?(\/\S*\/)?ip6?tables(-\w+)? )/, what: 'a script of iptables commands' },
];

/** The same for text; asked only where its first rule is no line of a dump. */
export function recogniseText(text: string): string | undefined {
  const lines = text.split('\n', 200).map((line) => line.trim());
  if (lines.some((line) => line.startsWith('*'))) return undefined;
  const first = lines.find((line) => line.startsWith('#!') || (line !== '' && !line.startsWith('#')));
  const kind = first === undefined ? undefined : KINDS.find(({ line }) => line.test(first));
  return kind === undefined ? undefined : `${kind.what}: what iptables-save prints is wanted`;
}
