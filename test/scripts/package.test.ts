/** The package as npm makes it of a build: what is in it, and what works where nothing but it is installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../docs/support/built-cli.js';

interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-package-'));
const project = join(folder, 'project');
const tool = join(project, 'node_modules/.bin/ipt2bpf');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let packed: readonly string[] = [];

/** Packages that are installed here and are needed by one, itself left out, by name. */
function needsOf(manifest: Manifest, found = new Map<string, string>()): ReadonlyMap<string, string> {
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const place = resolve('node_modules', name);
    // Builds of koffi for other machines are not there.
    if (found.has(name) || !existsSync(place)) continue;
    found.set(name, place);
    needsOf(readManifest(place), found);
  }
  return found;
}

/** A package as the registry would give it; returns the path of the archive. */
function archiveOf(name: string, place: string): string {
  const archive = join(folder, `${name.replace(/\W+/g, '-')}.tgz`);
  execFileSync('tar', ['-chzf', archive, '--exclude=node_modules', '--transform=s,^[.],package,', '-C', place, '.']);
  return archive;
}

beforeAll(() => {
  const stage = join(folder, 'stage');
  cpSync(builtCli('package', { declarations: true }), join(stage, 'dist'), { recursive: true });
  rmSync(join(stage, 'dist/package.json'), { force: true });
  execFileSync(process.execPath, ['scripts/prune.js', join(stage, 'dist')]);
  const others = ['package.json', ...readManifest('.').files.filter((name) => !/dist/.test(name))];
  for (const name of others) cpSync(name, join(stage, name), { recursive: true });
  const npm = (cwd: string, ...args: readonly string[]): string =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', env: { ...process.env, npm_config_loglevel: 'error' } });
  const [made]: readonly { filename: string; files: readonly { path: string }[] }[] = JSON.parse(
    npm(stage, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder),
  );
  packed = made.files.map(({ path }) => path);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n');
  const needs = [...needsOf(readManifest('.'))].map(([name, place]) => archiveOf(name, place));
  npm(
    project,
    ...['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts'],
    join(folder, made.filename),
    ...needs,
  );
}, 120_000);

describe('what is in it', () => {
  it('beside the code', () => {
    expect(
      packed.filter((path) => !/^dist\/(?!man\/)/.test(path) && !/^dist\/man\/ipt2bpf-/.test(path)).sort(),
    ).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/man/ipt2bpf.1',
      'editor/iptables.tmLanguage.json',
      'package.json',
    ]);
  });

  it('a manual page for each verb', () => {
    const verbs = execFileSync(tool, ['--help'], { encoding: 'utf8' })
      .split('\nCommands:\n')[1]
      .split('\n\n')[0]
      .matchAll(/^ {2}([a-z-]+) /gm);
    const pages = packed.flatMap((path) => /^dist\/man\/ipt2bpf-(.*)\.1$/.exec(path)?.[1] ?? []);
    expect(pages.sort()).toEqual(
      [...verbs]
        .map(([, verb]) => verb)
        .filter((verb) => verb !== 'help')
        .sort(),
    );
  });

  it('of the code: modules of the library with their declarations, the command, and nothing twice', () => {
    const code = packed.filter((path) => /^dist\/(?!man\/)/.test(path));
    const command = code.filter((path) => /^dist\/src\/(cli|chunks|page)\//.test(path));
    const names = new Set(command.map((path) => path.replace(/^(.*chunks\/).*-[A-Z0-9]{8}\.js$/, '$1*.js')));
    expect([...names].sort()).toEqual([
      'dist/src/chunks/*.js',
      'dist/src/chunks/fwctl.sh',
      'dist/src/cli/main.js',
      'dist/src/page/assets/engine.js',
      'dist/src/page/assets/page.js',
    ]);
    const rooms = new Set(
      code.filter((path) => !command.includes(path)).map((path) => path.split('/').slice(1, -1).slice(0, 2).join('/')),
    );
    expect([...rooms].sort()).toEqual([
      'bpf-runtime/interpreter',
      'bpf-runtime/iptables',
      'bpf-runtime/kernel',
      'bpf-runtime/sets',
      'bpf-runtime/system',
      'codegen/bytecode',
      'codegen/classify',
      'codegen/object',
      'codegen/optimize',
      'codegen/program',
      'grammar',
      'grammar/bind',
      'grammar/model',
      'grammar/modules',
      'grammar/print',
      'grammar/sets',
      'grammar/syntax',
      'src',
      'src/diff',
      'src/evaluate',
      'src/packet',
      'src/space',
      'src/verify',
    ]);
    expect(code.filter((path) => !/(\.js|\.d\.ts|fwctl\.sh)$/.test(path))).toEqual([]);
  });
});

describe('where nothing else is installed', () => {
  const run = (...args: readonly string[]): { stdout: string; stderr: string; status: number | null } =>
    spawnSync(tool, args, { cwd: project, encoding: 'utf8' });

  it('the command does what needs files of its own', () => {
    const dump = resolve('fixtures/dumps/stateless-server.v4');
    const place = ['--hook', 'xdp', '--chain', 'INPUT'];
    expect(run('--version').stdout).toBe(`${readManifest('.').version}\n`);
    for (const args of [
      ['compile', dump, ...place, '-o', 'input.o'],
      ['report', dump, '-o', 'report.html'],
      ['bundle', dump, '--place', 'xdp:INPUT', '-o', 'fw.tar.gz'],
    ]) {
      const { status, stderr } = run(...args);
      expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
    }
    expect(readFileSync(join(project, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/i);
  });

  it('the library is typed, and runs', () => {
    writeFileSync(
      join(project, 'use.ts'),
      `import { compile, parseDump, type CompileResult } from 'ipt2bpf';
const { ruleset } = parseDump('*filter\\n:INPUT DROP [0:0]\\nCOMMIT\\n', { family: 'v4' });
const result: CompileResult = compile(ruleset, { hook: 'xdp', chain: 'INPUT', source: '', sourceFile: 'x' });
// @ts-expect-error there is no such hook
export const wrong = (): CompileResult => compile(ruleset, { hook: 'xdq', chain: 'INPUT', source: '', sourceFile: 'x' });
export const bytes = result.ok ? result.object.length : 0;
`,
    );
    // Neither types of Node.js nor of a browser are needed, and every declaration is sound by itself.
    const more = { module: 'nodenext', target: 'es2022', lib: ['es2022'], types: [], skipLibCheck: false };
    const settings = { compilerOptions: { strict: true, ...more }, files: ['use.ts'] };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(settings));
    const compiler = resolve('node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
    expect(status, stdout).toBe(0);
    // As a project sees it that a bundler puts together.
    const bundled = ['--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck', '--noEmit'];
    const again = spawnSync(process.execPath, [compiler, '-p', project, ...bundled], { encoding: 'utf8' });
    expect(again.status, again.stdout).toBe(0);
    const print = 'import("./use.js").then(({ bytes }) => console.log(bytes > 0))';
    expect(execFileSync(process.execPath, ['-e', print], { cwd: project, encoding: 'utf8' })).toBe('true\n');
  });

  it('starts fast: how many times bare Node.js is printed', () => {
    writeFileSync(join(project, 'bare.js'), '');
    const fastest = (...args: readonly string[]): number =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const before = performance.now();
          const { status } = spawnSync(process.execPath, args, { cwd: project });
          expect(status).toBe(0);
          return performance.now() - before;
        }),
      );
    const bare = fastest('bare.js');
    const main = join(project, 'node_modules/ipt2bpf/dist/src/cli/main.js');
    for (const words of [['--version'], ['--help'], ['print', resolve('fixtures/dumps/stateless-server.v4')]]) {
      const own = fastest(main, ...words);
      console.log(
        `${words[0]}: ${own.toFixed(0)} ms, ${(own / bare).toFixed(2)} times bare Node.js (${bare.toFixed(0)} ms)`,
      );
    }
  });
});
