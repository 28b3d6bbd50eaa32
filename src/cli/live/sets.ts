import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { requireCapabilities } from '../../../bpf-runtime/system/requirements.js';
import { requireBpfFileSystem } from '../../live/pins.js';
import { changeSets, listSets, parseSetChange, type SetChange } from '../../live/sets.js';
import { readInput } from '../files.js';
import { EXIT, say, sayJson, tell, UserError, userError, visible, type ExitCode } from '../output.js';
import { asPart, changed } from './shared.js';

interface Options {
  readonly name?: string;
  readonly file?: string;
  readonly exist?: boolean;
  readonly pins: string;
  readonly json?: boolean;
}

/** Exit 0: changed or listed; errors are thrown. */
export function run(words: readonly string[], options: Options): ExitCode {
  const { file, pins, exist } = options;
  requireCapabilities();
  requireBpfFileSystem(pins);
  const settings = { base: pins, told: tell, ...asPart('name', options.name) };
  if (words.length === 0 && file === undefined) {
    const { name, sets } = listSets(settings);
    if (options.json) sayJson({ name, sets });
    else for (const set of sets) say(`${visible(set)}\n`);
    return EXIT.same;
  }
  if (words.length > 0 && file !== undefined) throw userError('usage', 'changes are given as words, or by --file');
  const given = file === undefined ? [parseSetChange(words)] : readChanges(file);
  const changes = exist === true ? given.map((one) => ({ ...one, exist })) : given;
  const { name } = changeSets(changes, settings);
  changed(options, { action: 'sets', name, changes: changes.length }, () =>
    tell(`${name}: ${changes.length} ${changes.length === 1 ? 'change' : 'changes'} of sets in force`),
  );
  return EXIT.same;
}

/** A change in each line but empty ones, comments, and `COMMIT`, which `ipset restore` has at its end. */
function readChanges(file: string): readonly SetChange[] {
  const lines = readInput(file).toString('utf8').split('\n');
  return lines.flatMap((line, i) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0].startsWith('#') || words[0] === 'COMMIT') return [];
    try {
      return [parseSetChange(words)];
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      throw new UserError(`${file === '-' ? '<stdin>' : file}:${i + 1}:1: error[${error.code}]: ${error.message}`);
    }
  });
}
