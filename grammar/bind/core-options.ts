/** What an option of iptables itself (not of a module) stands for. */
export type CoreKey =
  | 'append'
  | 'check'
  | 'delete'
  | 'insert'
  | 'replace'
  | 'list'
  | 'list-rules'
  | 'flush'
  | 'zero'
  | 'new-chain'
  | 'delete-chain'
  | 'rename-chain'
  | 'policy'
  | 'source'
  | 'destination'
  | 'protocol'
  | 'in-interface'
  | 'out-interface'
  | 'fragments'
  | 'jump'
  | 'goto'
  | 'match'
  | 'set-counters'
  | 'ipv4'
  | 'ipv6'
  | 'verbose'
  | 'modprobe'
  | 'table'
  | 'unusable';

export interface CoreOption {
  readonly key: CoreKey;
  /** Short form without the dash. */
  readonly letter?: string;
  /** Long forms without dashes. */
  readonly names: readonly string[];
  readonly argument: 'none' | 'required' | 'optional';
}

const core = (
  key: CoreKey,
  letter: string | undefined,
  argument: CoreOption['argument'],
  ...names: readonly string[]
): CoreOption => ({ key, letter, argument, names: names.length === 0 ? [key] : names });

/** `original_opts` and the option string of iptables.c and ip6tables.c (iptables 1.8). */
export const CORE_OPTIONS: readonly CoreOption[] = [
  core('append', 'A', 'required'),
  core('delete', 'D', 'required'),
  core('check', 'C', 'required'),
  core('insert', 'I', 'required'),
  core('replace', 'R', 'required'),
  core('list', 'L', 'optional'),
  core('list-rules', 'S', 'optional'),
  core('flush', 'F', 'optional'),
  core('zero', 'Z', 'optional'),
  core('new-chain', 'N', 'required'),
  core('delete-chain', 'X', 'optional'),
  core('rename-chain', 'E', 'required'),
  core('policy', 'P', 'required'),
  core('source', 's', 'required', 'source', 'src'),
  core('destination', 'd', 'required', 'destination', 'dst'),
  core('protocol', 'p', 'required'),
  core('in-interface', 'i', 'required'),
  core('out-interface', 'o', 'required'),
  core('fragments', 'f', 'none'),
  core('jump', 'j', 'required'),
  core('goto', 'g', 'required'),
  core('match', 'm', 'required'),
  core('set-counters', 'c', 'required'),
  core('ipv4', '4', 'none'),
  core('ipv6', '6', 'none'),
  core('verbose', 'v', 'none'),
  core('table', 't', 'required'),
  core('unusable', 'n', 'none', 'numeric'),
  core('unusable', 'x', 'none', 'exact'),
  core('unusable', 'w', 'optional', 'wait'),
  core('unusable', 'W', 'optional', 'wait-interval'),
  core('modprobe', 'M', 'required'),
  core('unusable', 'V', 'none', 'version'),
  core('unusable', 'h', 'optional', 'help'),
  core('unusable', undefined, 'none', 'line-numbers'),
];

export const CORE_BY_LETTER: ReadonlyMap<string, CoreOption> = new Map(
  CORE_OPTIONS.flatMap((option) => (option.letter === undefined ? [] : [[option.letter, option] as const])),
);

export const CORE_BY_NAME: ReadonlyMap<string, CoreOption> = new Map(
  CORE_OPTIONS.flatMap((option) => option.names.map((name) => [name, option] as const)),
);
