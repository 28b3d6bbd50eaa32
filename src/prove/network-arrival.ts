import type { Manifest } from '../../codegen/program/manifest.js';
import type { Ref } from './bdd.js';
import type { OnesComplement } from './checksum.js';
import type { WireReading } from './wire-reading.js';

/** The frames whose link header is one of the family's, and where they go: the first that takes a frame has it. */
export interface NetworkArrival extends WireReading {
  readonly manifest: Manifest;
  readonly checksums: OnesComplement;
  /** Left to the stack. */
  pass(when: Ref): void;
  /** Dropped by a policy. */
  drop(when: Ref): void;
}
