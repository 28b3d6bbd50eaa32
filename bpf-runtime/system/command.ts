import { spawnSync } from 'node:child_process';
import { RuntimeError } from './error.js';

/** A tool that ended with a status other than 0. */
export class CommandError extends RuntimeError {
  constructor(
    readonly command: string,
    readonly args: readonly string[],
    readonly status: number | null,
    readonly stdout: string,
    readonly stderr: string,
  ) {
    super('command-failed', `${command} ${args.join(' ')}: status ${status}: ${(stderr || stdout).trim()}`);
    this.name = 'CommandError';
  }
}

/** Large enough for `iptables-save` of the largest rulesets and for verifier logs. */
const MAX_OUTPUT = 256 * 1024 * 1024;

/**
 * Runs a tool with an argument array, never through a shell, and returns its standard output. It runs in the calling
 * thread's network namespace. Throws {@link CommandError}, or `command-missing` where the tool is not installed.
 */
export function run(command: string, args: readonly string[], input?: string | Uint8Array): string {
  const result = spawnSync(command, args, {
    input: input ?? '',
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT,
    env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
  if (result.error !== undefined) {
    if ('code' in result.error && result.error.code === 'ENOENT') {
      throw new RuntimeError('command-missing', `${command} is not installed`);
    }
    throw result.error;
  }
  if (result.status !== 0) throw new CommandError(command, args, result.status, result.stdout, result.stderr);
  return result.stdout;
}

/** Whether a tool is installed and starts (`TOOL --version` or the given arguments end with status 0). */
export function hasCommand(command: string, args: readonly string[] = ['--version']): boolean {
  try {
    run(command, args);
    return true;
  } catch (error) {
    if (error instanceof RuntimeError) return false;
    throw error;
  }
}
