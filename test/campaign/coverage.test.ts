import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile } from '../../codegen/program/index.js';
import { parseDump } from '../../grammar/index.js';
import { findTable } from '../../grammar/model/ruleset.js';

/** Folder of dumps that real systems have. */
const FOLDER = join(process.env.IPT2BPF_SHARED ?? '', 'dumps');
const present = (process.env.IPT2BPF_SHARED ?? '') !== '' && existsSync(FOLDER);
/** How many of a hundred filter tables are to compile exactly. */
const WANTED = 95;

describe.skipIf(!present)('filter tables of real dumps at netfilter (needs IPT2BPF_SHARED)', () => {
  it(`compile exactly, ${WANTED} of a hundred at least, and say what to do where they do not`, () => {
    const refused: string[] = [];
    let tables = 0;
    for (const name of readdirSync(FOLDER).filter((file) => /\.v[46]$/.test(file))) {
      const source = readFileSync(join(FOLDER, name), 'utf8');
      const { ruleset } = parseDump(source, { family: name.endsWith('.v6') ? 'v6' : 'v4' });
      if (findTable(ruleset, 'filter') === undefined) continue;
      tables++;
      const result = compile(ruleset, { hook: 'netfilter', source });
      if (result.ok) continue;
      const errors = result.diagnostics.filter(({ severity }) => severity === 'error');
      expect(errors.filter(({ hint }) => hint === undefined)).toEqual([]);
      refused.push(...new Set(errors.map(({ line, message }) => `${name}:${line}: ${message}`)));
    }
    const exact = tables - new Set(refused.map((text) => text.split(':')[0])).size;
    process.stdout.write(
      `netfilter: ${exact} of ${tables} filter tables exact\n${refused.map((text) => `${text}\n`).join('')}`,
    );
    expect((exact * 100) / tables).toBeGreaterThanOrEqual(WANTED);
  }, 120_000);
});
