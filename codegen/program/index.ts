import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import type { ObjectSpec } from '../object/spec.js';
import type { CompileOptions, Manifest } from './manifest.js';

export type CompileResult =
  | {
      readonly ok: true;
      /** The ELF file. */
      readonly object: Uint8Array;
      readonly spec: ObjectSpec;
      readonly manifest: Manifest;
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Compiles one chain of a ruleset for a hook; refuses, with a diagnostic a rule, what cannot be decided there. */
export declare function compile(ruleset: Ruleset, options: CompileOptions): CompileResult;
