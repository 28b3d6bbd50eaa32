import { VERDICT } from '../../codegen/program/verdict.js';
import type { Block } from './block.js';
import { FALSE, type Bdd, type Ref } from './bdd.js';
import type { Difference } from './difference.js';
import type { Ran } from './executor.js';
import type { Expected } from './rule-run.js';
import { CODE_BITS, type Specification } from './specification.js';
import type { State } from './state.js';
import { constantBits, type Bits, type Words } from './words.js';

/** The proof that blocks are compared for. */
export interface Comparing {
  readonly bdd: Bdd;
  readonly words: Words;
  readonly settings: { readonly specification: Specification };
  readonly differences: Difference[];
  /** Where a way leaves other values in the flow than a rule that leaves this mark, if any, does. */
  changed(state: State, mark: Bits | undefined): Ref;
}

/** Verdicts of a chain that was jumped to, and when it came to its end. */
export interface Outcomes {
  readonly outcomes: ReadonlyMap<number, Ref>;
  readonly falls: Ref;
}

/** Reports where the code of a block does something else than its rules. */
export function compareBlock(
  proof: Comparing,
  { rule }: Block,
  want: Expected,
  done: Omit<Expected, 'mark'>,
  ran: Ran,
): void {
  const { bdd } = proof;
  const { chain, at } = rule ?? { chain: proof.settings.specification.hookChain, at: 0 };
  const report = (what: string, where: Ref): void => {
    if (where !== FALSE) proof.differences.push({ chain, at, what, where });
  };
  for (const code of new Set([...want.codes.keys(), ...done.codes.keys()])) {
    const where = bdd.xor(want.codes.get(code) ?? FALSE, done.codes.get(code) ?? FALSE);
    if (where !== FALSE) report(`verdict ${verdictName(code)}`, where);
  }
  for (const place of new Set([...want.reached.keys(), ...done.reached.keys()])) {
    const where = bdd.xor(want.reached.get(place) ?? FALSE, done.reached.get(place) ?? FALSE);
    report('whether the next rule follows', where);
  }
  for (const event of new Set([...want.events.keys(), ...done.events.keys()])) {
    report(event, bdd.xor(want.events.get(event) ?? FALSE, done.events.get(event) ?? FALSE));
  }
  for (const state of [...ran.exits, ...ran.stopped.values()]) report('struct flow', proof.changed(state, want.mark));
}

/** Where no packet jumps, no chain may be called: what it counts would be compared with nothing. */
export function refuseCalls({ differences }: Comparing, { rule, calls }: Block): void {
  if (rule === undefined) return;
  for (const { condition } of calls) {
    differences.push({ chain: rule.chain, at: rule.at, what: 'a call of a chain', where: condition });
  }
}

/** What comes of a jump: the verdicts of the parts of the chain in turn, as variables that the program shares. */
export function outcomesOf(proof: Comparing, block: Block, chain: string, yes: Ref): Outcomes {
  const { words, differences } = proof;
  const { bdd } = words;
  const outcomes = new Map<number, Ref>();
  let here = yes;
  let falls: Ref = FALSE;
  for (const call of block.calls) {
    // The call must be made by just those packets.
    if (call.condition !== here) {
      differences.push({
        chain: block.rule?.chain ?? chain,
        at: block.rule?.at ?? 0,
        what: `the jump to ${chain}`,
        where: bdd.xor(call.condition, here),
      });
    }
    for (let code = VERDICT.RETURN + 1; code < 1 << CODE_BITS; code++) {
      const condition = bdd.and(here, words.equal(call.result, constantBits(BigInt(code))));
      if (condition !== FALSE) outcomes.set(code, bdd.or(outcomes.get(code) ?? FALSE, condition));
    }
    falls = bdd.or(falls, bdd.and(here, words.equal(call.result, constantBits(BigInt(VERDICT.RETURN)))));
    here = bdd.and(here, words.equal(call.result, constantBits(BigInt(VERDICT.NEXT))));
    if (call.end === undefined) here = FALSE;
  }
  const last = block.calls[block.calls.length - 1];
  const reached = last === undefined ? 0 : last.end;
  const whole = reached === undefined || reached >= proof.settings.specification.rules(chain).length;
  if (!whole) {
    differences.push({ chain, at: reached, what: 'the rest of the chain is not run', where: here });
  }
  return { outcomes, falls: bdd.or(falls, here) };
}

function verdictName(code: number): string {
  const found = Object.entries(VERDICT).find(([, value]) => value === code);
  return found === undefined || code >= VERDICT.REJECT ? 'REJECT' : found[0];
}
