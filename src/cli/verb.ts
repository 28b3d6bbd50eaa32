import type { Argument, Option } from 'commander';

/** A verb of the command line, for its help. */
export interface Verb {
  readonly name: string;
  readonly does: string;
  /** Positional arguments, dumps all of them. */
  readonly dumps: readonly string[];
  /** What the positional arguments are, where they are no dumps alone. */
  readonly argument?: string;
  /** Whether the words behind -- are a command. */
  readonly command?: true;
  /** Other positional arguments. */
  readonly words?: readonly Argument[];
  readonly options: readonly Option[];
  readonly exit: string;
  readonly examples: readonly string[];
}
