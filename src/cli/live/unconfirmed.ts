import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { deadlineOf, endUnconfirmed } from '../../live/unconfirmed.js';
import { LEFT_BEHIND } from './left-behind.js';
import { ownCommand } from './shared.js';

/**
 * Starts a process that outlives this one and its session, and takes away what is left of a change that nobody confirms.
 * Nothing depends on it: without it the packets are judged the same, and the next command takes away what is left.
 */
export function leaveBehind(pins: string, name: string): void {
  const deadline = deadlineOf(pins, name);
  const [node, ...command] = ownCommand();
  // Where this is run by something else than the command, as in a test, nobody knows the word.
  if (deadline === undefined || !basename(command[0]).startsWith('main.')) return;
  const words = [...command, LEFT_BEHIND, pins, name, String(deadline)];
  spawn(node, words, { detached: true, stdio: 'ignore', cwd: '/' })
    .on('error', () => undefined)
    .unref();
}

/** What the process that was left behind does. */
export async function run([pins, name, deadline]: readonly string[]): Promise<void> {
  await endUnconfirmed(pins, name, BigInt(deadline));
}
