/** A terminal of script(1): what a verb shows that is at work for more than a second. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { missing } from '../../support/machine.js';

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-progress-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { code } = transformSync(readFileSync('src/cli/progress.ts', 'utf8'), { loader: 'ts', format: 'esm' });
writeFileSync(join(folder, 'progress.mjs'), code);
/** Works without a pause, so that nothing of the thread's own could be told. */
const work = (name: string, seconds: number): string => {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { startProgress, endProgress } from './progress.mjs';
const until = Date.now() + ${seconds * 1000};
startProgress('ipt2bpf compile');
while (Date.now() < until);
endProgress();
console.log('done');
`,
  );
  return `${process.execPath} ${file}`;
};

const onTerminal = (command: string): string =>
  spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', env: { ...process.env, TERM: 'xterm' } })
    .stdout;

const lacking = missing(['script']).length > 0;
describe.skipIf(lacking)(lacking ? 'progress (needs script)' : 'progress', () => {
  it('is shown while the thread is at work, and taken away', () => {
    const shown = onTerminal(work('long', 3));
    expect(shown).toMatch(/^\ript2bpf compile … 1 s\u001b\[K/);
    expect(shown).toMatch(/\r\u001b\[Kdone\s*$/);
  });

  it('is not shown of short work', () => {
    expect(onTerminal(work('short', 0.1)).trim()).toBe('done');
  });

  it('is not shown where nobody looks', () => {
    const [command, file] = work('unseen', 1.5).split(' ');
    const { stdout, stderr } = spawnSync(command, [file], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' });
  });
});
