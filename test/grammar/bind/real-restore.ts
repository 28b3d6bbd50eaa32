import { spawnSync } from 'node:child_process';
import type { Family } from '../../../grammar/index.js';
import { withOwnLock } from '../../support/lock.js';

/** What the installed iptables makes of a text. */
export type Answer =
  | { readonly ok: true; readonly saved: string }
  /** `line` is that of the text, or of the COMMIT at which the kernel refused the table. */
  | { readonly ok: false; readonly line: number | undefined };

/** Why the tool cannot be asked here, undefined where it can. */
export const NO_TOOL: string | undefined =
  process.getuid?.() !== 0
    ? 'needs root'
    : spawnSync('sh', ['-c', 'command -v iptables-legacy-restore unshare']).status !== 0
      ? 'needs iptables-legacy'
      : undefined;

/** Loads the text into a network namespace of its own and saves it again. */
export function restore(text: string, family: Family): Answer {
  const tool = family === 'v4' ? 'iptables-legacy' : 'ip6tables-legacy';
  const script = `${tool}-restore > /dev/null && ${tool}-save`;
  const { status, stdout, stderr } = withOwnLock((lock) =>
    spawnSync('unshare', ['-n', 'sh', '-c', script], {
      input: text,
      encoding: 'utf8',
      env: { ...process.env, XTABLES_LOCKFILE: lock },
    }),
  );
  if (status === 0) return { ok: true, saved: withoutComments(stdout) };
  const line = /line:? (\d+)/.exec(stderr)?.[1];
  return { ok: false, line: line === undefined ? undefined : Number(line) };
}

/** Lines of a saved dump with counters set to zero, without comments. */
export function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/^(:.*) \[\d+:\d+\]$/, '$1 [0:0]').replace(/^\[\d+:\d+\] /, ''))
    .join('\n');
}
