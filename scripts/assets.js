// Makes what the compiler of TypeScript does not: the scripts of the report's page. Argument: the folder of the build.
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
