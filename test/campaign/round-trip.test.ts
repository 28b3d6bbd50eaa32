import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Family } from '../../grammar/index.js';
import { NO_TOOL, printed, savedByTool, withoutMoment, withoutNames } from './round-trip.js';

const SHARED = process.env.IPT2BPF_SHARED;
/** The tools of a namespace of its own need not wait for those of the host. */
const OWN_LOCK = `/tmp/ipt2bpf-xtables-${process.pid}.lock`;

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
      const lock = process.env.XTABLES_LOCKFILE;
      beforeAll(() => {
        process.env.XTABLES_LOCKFILE = OWN_LOCK;
      });
      afterAll(() => {
        if (lock === undefined) delete process.env.XTABLES_LOCKFILE;
        else process.env.XTABLES_LOCKFILE = lock;
        rmSync(OWN_LOCK, { force: true });
      });

      it.each(dumps)('%s', (file) => {
        const family: Family = file.endsWith('.v6') ? 'v6' : 'v4';
        const text = withoutNames(readFileSync(join(path, file), 'utf8'));
        const saved = savedByTool(text, family);
        expect(withoutMoment(printed(text, family))).toBe(withoutMoment(saved));
        // What the tool saves is a fixed point, its policies' counters included.
        expect(printed(saved, family)).toBe(saved.replace(/^#.*\n/gm, ''));
      });
    },
  );
}
