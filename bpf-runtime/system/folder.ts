import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { RuntimeError } from './error.js';

/**
 * Makes a folder, and those above it that are missing, these with the usual mode. One at a time: `mkdirSync` with `recursive` never ends in file systems
 * that take no folders and say that with ENOENT, as /proc does. Throws `no-folder`.
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (isFolder(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (isFolder(path)) return;
    throw new RuntimeError('no-folder', `${path}: no folder can be made there (${nameOf(error)})`);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function nameOf(error: unknown): string {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number'
    ? getSystemErrorName(error.errno)
    : String(error);
}
