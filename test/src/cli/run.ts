import { Command, CommanderError } from 'commander';
import { vi } from 'vitest';
import { UserError } from '../../../src/cli/output.js';
import { addVerbs, argumentsFor } from '../../../src/cli/verbs.js';

export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process; output is caught, `UserError` becomes its exit code. */
export async function run(...args: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const catching = (to: string[]) => (text: string | Uint8Array) => to.push(String(text)) > 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(catching(out));
  vi.spyOn(process.stderr, 'write').mockImplementation(catching(err));
  const program = new Command('ipt2bpf');
  let exit = 0;
  addVerbs(program, (code) => {
    exit = code;
  });
  try {
    await program.parseAsync(argumentsFor(program, ['node', 'ipt2bpf', ...args]));
  } catch (error) {
    if (error instanceof UserError) {
      err.push(error.message);
      exit = error.exitCode;
    } else if (error instanceof CommanderError) {
      exit = error.exitCode === 0 ? 0 : 2;
    } else {
      throw error;
    }
  } finally {
    vi.restoreAllMocks();
  }
  return { exit, stdout: out.join(''), stderr: err.join('') };
}
