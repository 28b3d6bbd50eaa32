import { spawn, type StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import type { ControlGroup } from '../../bpf-runtime/cgroup/group.js';

/**
 * The shell moves itself into the group before it becomes the command: no socket of the command's is older than its
 * filter. Sockets that were passed are for the process that the command is.
 */
const ENTER = 'echo 0 > "$1" || exit 126; shift; [ -z "$LISTEN_PID" ] || LISTEN_PID=$$; exec "$@"';
/** Signals that end this process are the command's; those of the terminal it gets by itself. */
const PASSED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
const OWN = ['SIGINT', 'SIGQUIT'] as const;
const SIGNALLED = 128;

/** Runs the command in the group; its exit code, 128 + n where signal n ended it (126, 127: it could not be started). */
export function runInGroup(group: ControlGroup, command: readonly string[], given: readonly number[]): Promise<number> {
  const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', ...given];
  const env = { ...process.env };
  if (given.length === 0) for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  const child = spawn('/bin/sh', ['-c', ENTER, 'ipt2bpf', group.members, ...command], { stdio, env });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ignore = (): void => undefined;
  for (const signal of PASSED) process.on(signal, pass);
  for (const signal of OWN) process.on(signal, ignore);
  return new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve(code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal]));
    });
  }).finally(() => {
    for (const signal of PASSED) process.off(signal, pass);
    for (const signal of OWN) process.off(signal, ignore);
  });
}
