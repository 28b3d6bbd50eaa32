/**
 * Every example of docs/api.md is type-checked against the package's own types, run, and its output compared with the
 * block below it; the programs of docs/examples are type-checked, too. `IPT2BPF_UPDATE=1 npx vitest run test/docs/api.test.ts` writes the outputs into the file.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from './support/built-cli.js';

const FILE = 'docs/api.md';
/** Run by commands.test.ts. */
const PROGRAMS = 'docs/examples';
const UPDATE = (process.env.IPT2BPF_UPDATE ?? '') !== '';
const BUILD_MS = 180_000;

interface Example {
  readonly heading: string;
  readonly code: string;
  readonly output: string;
}

const EXAMPLE = /```ts\n([^]*?)```\n\n```text\n([^]*?)```/g;
const markdown = readFileSync(FILE, 'utf8');

const examples = Array.from(markdown.matchAll(EXAMPLE), ({ 1: code, 2: output, index }): Example => {
  const heading =
    markdown
      .slice(0, index)
      .match(/^## .*$/gm)
      ?.at(-1) ?? '';
  return { heading, code, output };
});

/** A project that has the package installed, as its `exports` say. */
let project = '';

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'ipt2bpf-api-'));
  const installed = join(project, 'node_modules/ipt2bpf');
  mkdirSync(installed, { recursive: true });
  cpSync('package.json', join(installed, 'package.json'));
  symlinkSync(resolve('node_modules/@types'), join(project, 'node_modules/@types'));
  symlinkSync(builtCli('api', { declarations: true }), join(installed, 'dist'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
}, BUILD_MS);

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

function outputOf(code: string, name: string): string {
  const file = join(project, name);
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync(file, outputText);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

describe(FILE, () => {
  it('its examples are correctly typed', { timeout: BUILD_MS }, () => {
    const files = examples.map(({ code }, i) => {
      const file = join(project, `example-${i}.ts`);
      writeFileSync(file, code);
      return file;
    });
    const programs = readdirSync(PROGRAMS).filter((name) => name.endsWith('.mjs'));
    for (const name of programs) cpSync(join(PROGRAMS, name), join(project, name));
    const program = ts.createProgram([...files, ...programs.map((name) => join(project, name))], {
      strict: true,
      noEmit: true,
      allowJs: true,
      checkJs: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts'],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ['node'],
      typeRoots: [resolve('node_modules/@types')],
    });
    const messages = ts
      .getPreEmitDiagnostics(program)
      .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
    expect(messages).toEqual([]);
  });

  const outputs: string[] = [];
  it.each(examples.map((example, i) => ({ ...example, i })))('$heading: example $i', { timeout: 30_000 }, (example) => {
    const output = outputOf(example.code, `example-${example.i}.js`);
    outputs[example.i] = output;
    if (!UPDATE) expect(output).toBe(example.output);
  });

  it.runIf(UPDATE)('is up to date', () => {
    let next = 0;
    const text = markdown.replaceAll(
      EXAMPLE,
      (_, code: string) => `\`\`\`ts\n${code}\`\`\`\n\n\`\`\`text\n${outputs[next++]}\`\`\``,
    );
    writeFileSync(FILE, text);
  });
});
