// Makes what the compiler of TypeScript does not: the command in a few files that load fast, the scripts of the
// report's page, the manual pages, and files that are taken as they are. Argument: the folder of the build.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
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

// The command as one file for what it always needs and others for what verbs load. Loading some 400 modules one by one
// takes longer than compiling a thousand rules. The compiler wrote main.js, too: without its notes it writes it again.
const chunks = `${folder}/src/chunks`;
rmSync(chunks, { recursive: true, force: true });
if (folder === 'dist') rmSync(`${folder}/.tsbuildinfo`, { force: true });
await build({
  entryPoints: { 'cli/main': 'src/cli/main.ts' },
  outdir: `${folder}/src`,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  charset: 'utf8',
  external: ['koffi', 'vscode-languageserver', 'vscode-languageserver-textdocument', 'esbuild'],
  // commander is CommonJS, and asks for modules of Node.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  legalComments: 'eof',
  logLevel: 'warning',
});

// Files that are looked for beside the code that reads them.
for (const place of ['bundle', 'chunks']) cpSync('src/bundle/fwctl.sh', `${folder}/src/${place}/fwctl.sh`);

const { manPages } = await import(pathToFileURL(resolve(folder, 'src/cli/man-pages.js')).href);
mkdirSync(`${folder}/man`, { recursive: true });
for (const [name, page] of manPages()) writeFileSync(`${folder}/man/${name}`, page);
