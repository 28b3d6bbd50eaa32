import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { tellDiagnostics } from '../../../src/cli/output.js';

/** What is written for a text, line by line. */
function told(text: string): readonly string[] {
  vi.stubEnv('NO_COLOR', '1');
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  tellDiagnostics(parseDump(text, { family: 'v4' }).diagnostics, 'rules', text);
  return written.join('').trimEnd().split('\n');
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('marks under the word', () => {
  it.each([
    {
      name: 'a word in the middle',
      line: '-A INPUT -p tcp --dprot 22 -j ACCEPT',
      want: [
        'rules:2:17: error[unknown-option]: nothing loaded so far has "--dprot" (did you mean --dport?)',
        '  -A INPUT -p tcp --dprot 22 -j ACCEPT',
        '                  ^^^^^^^',
      ],
    },
    {
      name: 'a tab before it',
      line: '-A INPUT\t-j\tDORP',
      want: [
        'rules:2:13: error[unknown-target]: "DORP" is neither a chain declared so far nor a target (did you mean DROP?)',
        '  -A INPUT -j DORP',
        '              ^^^^',
      ],
    },
    {
      name: 'far to the right',
      line: `-A INPUT -m comment --comment "${'x'.repeat(200)}" -j DORP`,
      want: [
        'rules:2:237: error[unknown-target]: "DORP" is neither a chain declared so far nor a target (did you mean DROP?)',
        `  ${'x'.repeat(14)}" -j DORP`,
        `${' '.repeat(21)}^^^^`,
      ],
    },
  ])('$name', ({ line, want }) => expect(told(`*filter\n${line}\nCOMMIT\n`)).toEqual(want));
});
