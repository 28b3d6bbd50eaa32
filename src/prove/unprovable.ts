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
    /** It is too much, or not modelled, only where rules are looked up in diagrams: the same rules one by one may be proved. */
    readonly diagrams = false,
  ) {
    super(message);
  }
}

/** What is not proved of diagrams alone. */
export function besideDiagrams(message: string, code: UnprovableCode = 'unsupported'): Unprovable {
  return new Unprovable(code, message, true);
}

export function unsupported(message: string): Unprovable {
  return new Unprovable('unsupported', message);
}
