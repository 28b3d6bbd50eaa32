import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a browser is that can be driven; `CHROMIUM` says another place. Undefined where there is none. */
export const CHROMIUM = [process.env.CHROMIUM ?? '', ...PLACES].find((path) => path !== '' && existsSync(path));

export async function openBrowser(): Promise<Browser> {
  // Root, as in CI, has no sandbox of Chromium's.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

/** Runs the built tool; returns what it says on stderr. */
export function runTool(dist: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [`${dist}/src/cli/main.js`, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
