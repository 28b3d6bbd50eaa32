/**
 * The code of small objects as text, one file a construct, to be read in reviews: what a change of the compiler does to
 * the code is in the change of these files. After a wanted one write them anew and read the difference:
 *
 *     UPDATE_GOLDEN=1 npx vitest run test/codegen/program/golden.test.ts && git diff test/codegen/program/golden
 *
 * The code is that of the rules as they stand, which the optimizer has not seen: its files are in `test/codegen/optimize/golden`.
 * A file has the functions of the chains, whole. The entry function, the same for most rulesets, stands whole in
 * `reading-v4-input-xdp.txt` and its like; elsewhere only what is other there (`+` more, `-` less).
 * Jumps go to names and `flow.saddr` is a field of struct flow; `count 3` stands for what counts a packet of rule 3 (see
 * `counters.txt`). No line has a number, so that one instruction more is one line more.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { formatInstruction } from '../../../codegen/bytecode/disassemble.js';
import { loadObject } from '../../../bpf-runtime/kernel/load.js';
import { readObject } from '../../../codegen/object/read.js';
import type { FunctionSpec } from '../../../codegen/object/spec.js';
import type { Hook } from '../../../codegen/program/manifest.js';
import { reasonNotToLoad } from '../object/bpftool.js';
import { GOLDEN_CASES, goldenPlace, goldenText, READING_CASES, type GoldenCase } from './golden-cases.js';
import { chainsText, entryDifference, entryText, listingOf, readerText, type Listing } from './golden-text.js';
import { analysisOf, filterText, objectOf, type Place } from './rulesets.js';
import { withInlined } from '../../../codegen/program/output/inline-functions.js';

const FOLDER = fileURLToPath(new URL('golden/', import.meta.url));
const UPDATE = process.env.UPDATE_GOLDEN === '1';
const expected = new Set<string>();

function compareWithFile(name: string, have: string): void {
  const path = `${FOLDER}${name}.txt`;
  if (UPDATE) writeFileSync(path, have);
  const want = existsSync(path) ? readFileSync(path, 'utf8') : `no file ${name}.txt: write it with UPDATE_GOLDEN=1\n`;
  expect(have).toBe(want);
}

function plainProgram(place: Place): Listing {
  const raw = `*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n`;
  return listingOf(analysisOf(raw + filterText({}), place));
}

function head(text: string, { family = 'v4', hook, chain, mode = 'exact', reject }: Place): string {
  const rules = text.split('\n').filter((line) => line.startsWith('-A'));
  const place = `# ${family}, ${hook}, chain ${chain}, ${mode}${reject === undefined ? '' : `, REJECT: ${reject}`}`;
  return [place, ...rules.map((rule) => `# ${rule}`), ''].join('\n');
}

function objectText(golden: GoldenCase, hook: Hook): string {
  const text = goldenText(golden);
  const place = goldenPlace(golden, hook);
  const analysis = analysisOf(text, place);
  const program = listingOf(analysis);
  const parts = [head(text, place), chainsText(program, golden.counts ?? 'folded')];
  if (golden.entry === true) {
    // The plain chain has the policy that needs no code of its own in exact mode.
    const plain = plainProgram({ family: analysis.view.family, hook, chain: analysis.chain });
    parts.push(`${program.entry.name}, where it is not as without rules:\n${entryDifference(program, plain)}`);
  }
  return parts.join('\n');
}

const fileName = (golden: GoldenCase, hook: Hook): string =>
  (golden.hooks ?? ['xdp']).length > 1 ? `${golden.name}-${hook}` : golden.name;

const objects = GOLDEN_CASES.flatMap((golden) =>
  (golden.hooks ?? ['xdp']).map((hook) => ({ golden, hook, name: fileName(golden, hook) })),
);

function codeOf({ name, instructions }: Pick<FunctionSpec, 'name' | 'instructions'>): readonly string[] {
  return [name, ...instructions.map((instruction) => formatInstruction(instruction))];
}

describe('code of small objects', () => {
  it.each(objects)('$name', ({ golden, hook, name }) => {
    expected.add(name);
    compareWithFile(name, objectText(golden, hook));
  });

  it.each(READING_CASES)('reading the packet: $name', ({ name, place, differsFrom }) => {
    expected.add(`reading-${name}`);
    const program = plainProgram(place);
    const title = `# ${place.hook}, chain ${place.chain}, without rules`;
    const text =
      differsFrom === undefined
        ? `${title}\n\n${entryText(program)}`
        : `${title}, where it is not as at ${differsFrom.hook} in chain ${differsFrom.chain}\n\n${entryDifference(program, plainProgram(differsFrom))}`;
    compareWithFile(`reading-${name}`, text);
  });

  const option = { rules: ['-A INPUT -p tcp -m tcp --tcp-option 5 -j DROP'] };
  it.each([
    { name: 'ipv4_options_sum', text: filterText({}), family: 'v4' },
    { name: 'ipv6_headers', text: filterText({ rules: ['-A INPUT -p tcp -j DROP'] }), family: 'v6' },
    { name: 'tcp_options', text: filterText(option), family: 'v4' },
  ] as const)('function $name', ({ name, text, family }) => {
    expected.add(`function-${name}`);
    const program = listingOf(analysisOf(text, { family, hook: 'xdp', chain: 'INPUT' }));
    compareWithFile(`function-${name}`, readerText(program, name));
  });

  it.each(objects)('$name is what the object holds', ({ golden, hook }) => {
    const text = goldenText(golden);
    const place = goldenPlace(golden, hook);
    const { entry, functions } = listingOf(analysisOf(text, place));
    const { program } = readObject(objectOf(text, place).object);
    const written = [...program.entries, ...program.functions];
    const { name, params, code } = entry;
    const shown = withInlined([{ name, params, instructions: code }, ...functions], new Set([name]), []);
    expect(written.map(codeOf)).toEqual(
      shown.map(({ name, instructions }) => codeOf({ name, instructions: assemble(name, instructions) })),
    );
  });

  const skipped = reasonNotToLoad();
  const title = `$name loads${skipped === undefined ? '' : ` (skipped: ${skipped})`}`;
  // bpftool knows no programs of netfilter hooks before libbpf 1.3.
  const loadable = objects.filter(({ hook }) => hook !== 'netfilter');
  it.skipIf(skipped !== undefined).each(loadable)(title, ({ golden, hook }) => {
    const program = loadObject(objectOf(goldenText(golden), goldenPlace(golden, hook)).object);
    program.close();
    expect(program.info).toMatchObject({ type: hook, name: expect.stringMatching(/^ipt2bpf_/) });
  });

  afterAll(() => {
    const names = readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ''));
    const left = names.filter((name) => !expected.has(name));
    // A run with -t sees a part of the tests only.
    const all = objects.length + READING_CASES.length + 3;
    if (expected.size === all && left.length > 0) throw new Error(`golden files of no test: ${left.join(', ')}`);
  });
});
