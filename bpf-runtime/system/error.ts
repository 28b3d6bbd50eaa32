/** What went wrong outside of this process's own logic; stable, kebab-case. */
export type RuntimeErrorCode =
  | 'unsupported-machine'
  | 'namespace-lost'
  | 'not-synchronous'
  | 'command-failed'
  | 'command-missing'
  | 'netlink-refused'
  | 'bad-interface'
  | 'load-failed'
  | 'no-program'
  | 'bad-map'
  | 'short-packet'
  | 'long-packet'
  | 'messages-lost'
  | 'unexpected-message'
  | 'ruleset-refused'
  | 'unsupported-target'
  | 'unknown-chain'
  | 'no-mark'
  | 'malformed-types'
  | 'hook-taken'
  | 'no-cgroup'
  | 'no-set'
  | 'bad-element'
  | 'element-exists'
  | 'no-element'
  | 'busy'
  | 'no-bpf-file-system'
  | 'no-permission'
  | 'old-kernel'
  | 'no-device'
  | 'no-folder'
  | 'not-attached'
  | 'already-attached'
  | 'other-namespace'
  | 'bad-object'
  | 'bad-state'
  | 'nothing-saved'
  | 'two-kinds'
  | 'closed';

/** A failure of the machine the answers come from: the kernel, its tools, or what was asked of them. */
export class RuntimeError extends Error {
  constructor(
    readonly code: RuntimeErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'RuntimeError';
  }
}
