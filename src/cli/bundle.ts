import { compile } from '../../codegen/program/index.js';
import type { CompileOptions, Hook } from '../../codegen/program/manifest.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { findChain, findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import { BundleError, makeBundle, packBundle } from '../bundle/bundle.js';
import type { BundledObject, Slot } from '../bundle/model.js';
import { loadRules, type DumpOptions, type LoadedDump } from './dump.js';
import { checkWritable, writeWhole } from './files.js';
import { EXIT, tell, tellDiagnostics, UserError, userError, type ExitCode } from './output.js';
import { isRefusal } from './refusal.js';

export interface BundlePlace {
  readonly hook: Exclude<Hook, 'netfilter'>;
  readonly chain: BuiltinChain;
}

interface Options extends DumpOptions, Omit<CompileOptions, 'hook' | 'chain' | 'source' | 'sourceFile'> {
  readonly output: string;
  readonly name: string;
  readonly place?: readonly BundlePlace[];
}

/** Writes an archive that a host without Node can put in force. A refusal writes nothing and exits 1. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const { output, name, place, ...translation } = options;
  checkWritable(output, [path]);
  const dump = loadRules(path, options);
  const places = place ?? usualPlaces(dump.ruleset);
  checkSlots(places);
  const objects: BundledObject[] = [];
  let refused = false;
  for (const one of places) {
    const object = compiled(dump, one, translation);
    if (object === undefined) refused = true;
    else objects.push(object);
  }
  if (refused) {
    tell(`ipt2bpf: ${dump.file}: nothing was written`);
    return EXIT.different;
  }
  const bundle = makeBundle({ name, objects, dump: dump.text, dumpFile: dump.file });
  const archive = packed(bundle);
  if (output === '-') process.stdout.write(archive);
  else writeWhole(output, archive);
  const what = places.map(({ hook, chain }) => `${chain} for ${hook}`).join(', ');
  tell(`${output === '-' ? '<stdout>' : output}: bundle ${name} ${bundle.id}: ${what}, ${archive.length} bytes`);
  return EXIT.same;
}

/** INPUT at XDP, and OUTPUT at tc where the dump has something to say about it. */
function usualPlaces(ruleset: Ruleset): readonly BundlePlace[] {
  const filter = findTable(ruleset, 'filter');
  const output = filter && findChain(filter, 'OUTPUT');
  const leaving = output !== undefined && (output.policy === 'DROP' || output.rules.length > 0);
  return [{ hook: 'xdp', chain: 'INPUT' }, ...(leaving ? [{ hook: 'tc', chain: 'OUTPUT' } satisfies BundlePlace] : [])];
}

const slotOf = ({ hook, chain }: BundlePlace): Slot =>
  hook === 'xdp' ? 'xdp' : chain === 'OUTPUT' ? 'egress' : 'ingress';

function checkSlots(places: readonly BundlePlace[]): void {
  const taken = new Map<Slot, BundlePlace>();
  for (const place of places) {
    const slot = slotOf(place);
    const other = taken.get(slot);
    if (other !== undefined) {
      throw userError('usage', `--place: a device takes one program at ${slot}, not ${other.chain} and ${place.chain}`);
    }
    taken.set(slot, place);
  }
}

function compiled(
  { ruleset, text, file }: LoadedDump,
  place: BundlePlace,
  options: Omit<CompileOptions, 'hook' | 'chain' | 'source' | 'sourceFile'>,
): BundledObject | undefined {
  const result = compile(ruleset, { ...options, ...place, source: text, sourceFile: file });
  tellDiagnostics(result.diagnostics, file, text);
  if (result.ok) return { slot: slotOf(place), object: result.object, manifest: result.manifest };
  if (!isRefusal(result.diagnostics)) throw new UserError(`ipt2bpf: ${file}: nothing was written`);
  tell(`ipt2bpf: ${file}: chain ${place.chain} is refused at ${place.hook}`);
  return undefined;
}

function packed(bundle: Parameters<typeof packBundle>[0]): Uint8Array {
  try {
    return packBundle(bundle);
  } catch (error) {
    if (error instanceof BundleError) throw userError('bad-place', `${error.message}`);
    throw error;
  }
}
