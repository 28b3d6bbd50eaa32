import type { EntryContext } from './packet/entry.js';

export function emitDeviceNames(_context: EntryContext): void {}
