import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const SOURCES = ['grammar', 'codegen', 'bpf-runtime', 'src'];

/**
 * The folder with the built tool, as `npm run build` makes it: `dist` where that is newer than every source (as in CI),
 * else the same files made by the same compiler, unchecked, in the folder `user` of a cache; declarations where they are
 * asked for.
 */
export function builtCli(user: string, { declarations = false } = {}): string {
  const dist = resolve('dist');
  if (isFresh(dist)) return dist;
  // Checkouts may share their node_modules.
  const checkout = createHash('sha256').update(resolve('.')).digest('hex').slice(0, 8);
  const folder = resolve('node_modules/.cache/ipt2bpf', checkout, user);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const flags = ['--noCheck', '--declaration', String(declarations), '--outDir', folder];
  execFileSync(process.execPath, [
    ...[compiler, '-p', 'tsconfig.build.json', ...flags],
    ...['--tsBuildInfoFile', join(folder, '.tsbuildinfo')],
  ]);
  execFileSync(process.execPath, [resolve('scripts/assets.js'), folder]);
  return folder;
}

/** What runs in the browser is no file of its own. */
const BUNDLED = join('src', 'page', 'browser');
const BUNDLE = join('src', 'page', 'assets', 'page.js');
const builtOf = (path: string): string => (path.startsWith(BUNDLED) ? BUNDLE : path.replace(/ts$/, 'js'));

function isFresh(dist: string): boolean {
  if (!existsSync(join(dist, 'src/page/assets/engine.js'))) return false;
  return SOURCES.every((room) =>
    readdirSync(room, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .every((name) => {
        const built = statSync(join(dist, builtOf(join(room, name))), { throwIfNoEntry: false });
        return built !== undefined && built.mtimeMs >= statSync(join(room, name)).mtimeMs;
      }),
  );
}
