import { errorLine, reasonOf } from './output.js';

/**
 * What the kernel, a tool or the file system refused, as a line for people; undefined for anything else, which is a fault
 * of this program. Classes are known by name, because their code is loaded only by verbs that ask the machine.
 */
export function troubleLine(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'RuntimeError' || error.name === 'CommandError') {
    return errorLine('code' in error ? String(error.code) : 'command-failed', error.message);
  }
  if (error.name === 'SystemCallError') return errorLine('system-call', error.message);
  if (!('syscall' in error)) return undefined;
  const path = 'path' in error ? `${String(error.path)}: ` : '';
  const isTool = String(error.syscall).startsWith('spawn');
  if (isTool && 'code' in error && error.code === 'ENOENT' && 'path' in error) {
    return errorLine('command-missing', `${String(error.path)} is not installed`);
  }
  return errorLine(isTool ? 'command-failed' : 'system-call', `${path}${reasonOf(error)}`);
}
