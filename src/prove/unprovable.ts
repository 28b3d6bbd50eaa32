/** Why nothing is said: what the prover does not understand, or what is too much for it. Never a statement on the object. */
export type UnprovableCode =
  /** An instruction, helper, kernel structure or test that is not modelled. */
  | 'unsupported'
  /** A bound on time or memory was reached. */
  | 'too-complex';

/** Ends a proof without a result. */
export class Unprovable extends Error {
  override readonly name = 'Unprovable';

  constructor(
    readonly code: UnprovableCode,
    message: string,
  ) {
    super(message);
  }
}

export function unsupported(message: string): Unprovable {
  return new Unprovable('unsupported', message);
}
