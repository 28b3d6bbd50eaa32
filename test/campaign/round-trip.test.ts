import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../grammar/index.js';
import { underOwnLock } from '../support/lock.js';
import { NO_TOOL, printed, savedByTool, withoutMoment, withoutNames } from './round-trip.js';

const SHARED = process.env.IPT2BPF_SHARED;

/** Folders with dumps that the real tool loads. */
const FOLDERS: readonly { readonly name: string; readonly path: string; readonly absent?: string }[] = [
  { name: 'fixtures', path: join(import.meta.dirname, '../../fixtures/dumps') },
  {
    name: 'collected dumps',
    path: join(SHARED ?? '', 'dumps'),
    absent: SHARED === undefined ? 'needs IPT2BPF_SHARED' : undefined,
  },
];

for (const { name, path, absent } of FOLDERS) {
  const reason = absent ?? NO_TOOL;
  const ready = reason === undefined && existsSync(path);
  const dumps = ready ? readdirSync(path).filter((file) => /\.v[46]$/.test(file)) : [];

  describe.skipIf(!ready)(
    `iptables-restore and iptables-save against print: ${name}${ready ? '' : ` (${reason})`}`,
    () => {
      it.each(dumps)('%s', (file) => {
        const family: Family = file.endsWith('.v6') ? 'v6' : 'v4';
        const text = withoutNames(readFileSync(join(path, file), 'utf8'));
        const saved = underOwnLock(() => savedByTool(text, family));
        expect(withoutMoment(printed(text, family))).toBe(withoutMoment(saved));
        // What the tool saves is a fixed point, its policies' counters included.
        expect(printed(saved, family)).toBe(saved.replace(/^#.*\n/gm, ''));
      });
    },
  );
}
