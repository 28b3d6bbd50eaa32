/** What verbs write for a terminal, and for a pipe. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { widthOf } from '../../../src/terminal/fold.js';
import { run } from './run.js';

const WEB = 'fixtures/dumps/web-server.v4';
const STATELESS = 'fixtures/dumps/stateless-server.v4';
const COLUMNS = 40;

/** Standard output as a terminal of that many columns, until the test ends. */
function onTerminal(columns: number, env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries({ COLUMNS: '', NO_COLOR: '', FORCE_COLOR: '', TERM: 'xterm', ...env })) {
    vi.stubEnv(name, value);
  }
  for (const [name, value] of [
    ['isTTY', true],
    ['columns', columns],
  ] as const) {
    const own = Object.getOwnPropertyDescriptor(process.stdout, name);
    Object.defineProperty(process.stdout, name, { value, configurable: true });
    restored.push(() => {
      if (own === undefined) Reflect.deleteProperty(process.stdout, name);
      else Object.defineProperty(process.stdout, name, own);
    });
  }
}

const restored: (() => void)[] = [];
afterEach(() => {
  for (const restore of restored.splice(0)) restore();
  vi.unstubAllEnvs();
});

const SGR = /\u001b\[[0-9;]*m/g;
const wordsOf = (text: string): readonly string[] => text.replace(SGR, '').split(/\s+/).filter(Boolean);

describe.each([
  { verb: 'check', args: ['check', WEB] },
  { verb: 'explain', args: ['explain', STATELESS, '--packet', 'tcp 198.51.100.7:40000 > 192.0.2.1:443 SYN in eth0'] },
  { verb: 'query', args: ['query', STATELESS, 'tcp to 192.0.2.0/24 port 22 from any'] },
  { verb: 'diff', args: ['diff', STATELESS, WEB] },
  { verb: 'lint', args: ['lint', 'fixtures/dumps/home-router.v4'] },
  { verb: 'help', args: ['--help'] },
  { verb: 'help verify', args: ['verify', '--help'] },
])('$verb', ({ args }) => {
  it('fits the terminal, and says the same as in a pipe', async () => {
    const { stdout: plain } = await run(...args);
    onTerminal(COLUMNS, {});
    const { stdout } = await run(...args);
    expect(wordsOf(stdout)).toEqual(wordsOf(plain));
    expect(plain).not.toMatch(SGR);
    const tooLong = stdout.split('\n').filter((line) => widthOf(line) > COLUMNS && line.trim().includes(' '));
    // What is to be copied stays whole: examples, and how the verb is called.
    expect(tooLong.filter((line) => !/^( +|\S*Usage:\S* )(sudo )?ipt2bpf /.test(line))).toEqual([]);
  });
});

it('colours what is on a terminal, but where NO_COLOR says no', async () => {
  const args = ['explain', STATELESS, '--packet', 'tcp 198.51.100.7:40000 > 192.0.2.1:443 SYN in eth0'];
  onTerminal(COLUMNS, {});
  expect((await run(...args)).stdout).toContain('=> \u001b[31mDROP\u001b[0m by rule 2 of INPUT');
  vi.stubEnv('NO_COLOR', '1');
  expect((await run(...args)).stdout).toContain('=> DROP by rule 2 of INPUT');
});

it.each([
  { name: 'a dump', args: ['print', STATELESS] },
  { name: 'JSON', args: ['check', WEB, '--json'] },
  { name: 'Markdown', args: ['diff', STATELESS, WEB, '--format', 'markdown'] },
])('leaves $name as it is', async ({ args }) => {
  const { stdout: plain } = await run(...args);
  onTerminal(COLUMNS, {});
  expect((await run(...args)).stdout).toBe(plain);
});
