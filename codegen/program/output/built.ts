import type { Analysis } from '../analysis.js';
import type { Common } from '../common.js';
import type { RehearsalProgram } from '../netfilter/rehearsal.js';
import type { Program } from '../program.js';

/** Analyses, all of one table and hook, and what became of them. */
export interface Built {
  readonly analyses: readonly Analysis[];
  readonly programs: readonly Program[];
  readonly rehearsals: readonly RehearsalProgram[];
  readonly common: Common;
}

/** Whether rules ask for the device of a packet. */
export function usesDevices({ analyses }: Built): boolean {
  return analyses.some(({ used }) => used.has('iif') || used.has('oif'));
}
