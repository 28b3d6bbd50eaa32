// Makes what the compiler of TypeScript does not: the scripts of the report's page, the manual pages, and files that
// are taken as they are. Argument: the folder of the build.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [, , folder = 'dist'] = process.argv;

await build({
  entryPoints: { page: 'src/page/browser/main.ts', engine: 'src/page/browser/worker.ts' },
  outdir: `${folder}/src/page/assets`,
  bundle: true,
  minify: true,
  format: 'iife',
  platform: 'browser',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'eof',
  logLevel: 'warning',
});

cpSync('src/bundle/fwctl.sh', `${folder}/src/bundle/fwctl.sh`);

const { manPages } = await import(pathToFileURL(resolve(folder, 'src/cli/man-pages.js')).href);
mkdirSync(`${folder}/man`, { recursive: true });
for (const [name, page] of manPages()) writeFileSync(`${folder}/man/${name}`, page);
