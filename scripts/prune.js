// Leaves in a build what the package needs: the modules and declarations that the library reaches, and the command's
// few files; the modules that the command was made of are not loaded by anybody. Argument: the folder of the build.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';

const [, , folder = 'dist'] = process.argv;
const root = resolve(folder);

/** Modules that the entries import, now or later, as paths. */
async function modulesOf(...entries) {
  const { metafile } = await build({
    entryPoints: entries.map((name) => join(root, name)),
    absWorkingDir: root,
    outdir: root,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  });
  return Object.keys(metafile.inputs).map((name) => join(root, name));
}

/** Declarations that an entry's types are made of, as paths. */
function declarationsOf(entry) {
  const found = new Set([join(root, entry)]);
  // A set that grows is gone through to its end.
  for (const path of found) {
    for (const { fileName } of ts.preProcessFile(readFileSync(path, 'utf8')).importedFiles) {
      if (fileName.startsWith('.')) found.add(resolve(dirname(path), fileName.replace(/\.js$/, '.d.ts')));
    }
  }
  return found;
}

const needed = new Set([...(await modulesOf('src/index.js', 'src/cli/main.js')), ...declarationsOf('src/index.d.ts')]);
const isAsset = (path) => /^(man|src\/page\/assets|src\/chunks\/fwctl\.sh$)/.test(relative(root, path));

for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && !needed.has(path) && !isAsset(path)) rmSync(path);
}
