import { bashCompletion } from './bash.js';
import type { ShellVerb } from './command-line.js';
import { fishCompletion } from './fish.js';
import type { Shell } from './shells.js';
import { zshCompletion } from './zsh.js';

/** A script that makes the shell complete verbs, options and their values. */
export function completionScript(shell: Shell, verbs: readonly ShellVerb[]): string {
  switch (shell) {
    case 'bash':
      return bashCompletion(verbs);
    case 'zsh':
      return zshCompletion(verbs);
    case 'fish':
      return fishCompletion(verbs);
  }
}
