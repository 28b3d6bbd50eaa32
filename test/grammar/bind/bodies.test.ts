import { describe, expect, it } from 'vitest';
import { parseDump, printDump } from '../../../grammar/index.js';
import { BODIES, type Body } from './bodies.js';
import { NO_TOOL, restore, withoutComments } from './real-restore.js';

const TABLES: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
};

/** Lines before the body. */
function header({ table = 'filter' }: Body): readonly string[] {
  return [`*${table}`, ...TABLES[table].map((chain) => `:${chain} ACCEPT [0:0]`), ':U - [0:0]'];
}

function dumpOf(body: Body): string {
  return [...header(body), body.body, 'COMMIT', ''].join('\n');
}

/** What a saved dump has beside the lines of the empty table. */
function difference(saved: string, body: Body): string {
  const usual = new Set([...header(body), 'COMMIT']);
  const lines = withoutComments(saved).split('\n');
  return lines.filter((line) => !usual.has(line)).join(' / ');
}

describe('bodies of a table', () => {
  it.each(BODIES)('$name', (body) => {
    const { ruleset, diagnostics } = parseDump(dumpOf(body), { family: body.family ?? 'v4' });
    const [error] = diagnostics.filter(({ severity }) => severity === 'error');
    const line = error === undefined ? undefined : error.line - header(body).length;
    const have = error === undefined ? { want: difference(printDump(ruleset), body) } : { code: error.code, line };
    expect(have).toEqual(body.want === undefined ? { code: body.code, line: body.line ?? 1 } : { want: body.want });
  });

  it.skipIf(NO_TOOL !== undefined)(`as iptables-restore has it${NO_TOOL === undefined ? '' : ` (${NO_TOOL})`}`, () => {
    const asked = BODIES.filter(({ notAsked }) => notAsked === undefined);
    const answers = asked.map((body) => {
      const answer = restore(dumpOf(body), body.family ?? 'v4');
      const line = answer.ok || answer.line === undefined ? undefined : answer.line - header(body).length;
      return answer.ok ? { name: body.name, want: difference(answer.saved, body) } : { name: body.name, line };
    });
    expect(answers).toEqual(
      asked.map(({ name, want, line = 1 }) => (want === undefined ? { name, line } : { name, want })),
    );
  });
});
