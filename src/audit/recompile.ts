import { compile } from '../../codegen/program/index.js';
import type { CompileOptions, Engine, Manifest } from '../../codegen/program/manifest.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';

export type Recompiled =
  /** The same object, byte for byte, with this engine. */
  | { readonly kind: 'same'; readonly engine: Engine }
  | { readonly kind: 'other' }
  /** The dump is refused with the options of the object. */
  | { readonly kind: 'refused'; readonly reason: string };

const ENGINES: readonly Engine[] = ['auto', 'linear', 'dag'];

/**
 * Compiles the dump of a manifest again, with the options that the manifest tells. It does not name the engine: each is
 * tried.
 */
export function recompile(ruleset: Ruleset, manifest: Manifest, object: Uint8Array): Recompiled {
  let reason: string | undefined;
  for (const engine of ENGINES) {
    const result = compile(ruleset, { ...optionsOf(manifest), engine });
    if (!result.ok) reason ??= result.diagnostics[0]?.message;
    else if (Buffer.compare(result.object, object) === 0) return { kind: 'same', engine };
  }
  return reason === undefined ? { kind: 'other' } : { kind: 'refused', reason };
}

function optionsOf(manifest: Manifest): CompileOptions {
  const { hook, programs, table, mode, fragments, reject, vlan, source, sourceFile, recent, shadow } = manifest;
  // As codegen/program says them.
  const hz = numberIn(manifest, /^CONFIG_HZ of the running kernel is (\d+)$/);
  const taiOffset = numberIn(manifest, /^CLOCK_TAI is (-?\d+) s before CLOCK_REALTIME$/);
  const minutesWest = numberIn(manifest, /^the kernel's time zone is (-?\d+) minutes west of UTC$/);
  const entries = recent?.[0]?.entries;
  return {
    ...{ hook, table, mode, fragments, reject, vlan, source, sourceFile },
    ...(programs.length === 1 ? { chain: programs[0].chain } : {}),
    ...(shadow === undefined ? {} : { shadow: true }),
    ...(entries === undefined ? {} : { recentEntries: entries }),
    ...(hz === undefined ? {} : { hz }),
    ...(taiOffset === undefined ? {} : { taiOffset }),
    ...(minutesWest === undefined ? {} : { minutesWest }),
  };
}

function numberIn({ assumptions }: Manifest, sentence: RegExp): number | undefined {
  const [found] = assumptions.flatMap((text) => sentence.exec(text)?.slice(1, 2) ?? []);
  return found === undefined ? undefined : Number(found);
}
