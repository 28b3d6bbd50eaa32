import type { Rule } from '../../grammar/model/ruleset.js';
import { ALU_OP, CLASS, R8 } from '../../codegen/bytecode/instruction.js';
import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { lineChanges } from './line-info.js';
import type { Code } from './object-code.js';
import type { Specification } from './specification.js';
import { unsupported } from './unprovable.js';

/** A rule where it stands in the code of a function; the places are indices of {@link FlatChain.rules}. */
export interface FlatRule {
  readonly chain: string;
  /** Its number in the chain, from 0. */
  readonly at: number;
  readonly rule: Rule;
  /** Where the chain goes on behind it. */
  readonly next: number;
  /** Where RETURN leads: {@link LEAVES} in the function's own chain. */
  readonly leave: number;
  /** Where the rules of the chain begin that it jumps to, if they stand here; undefined where the chain is called. */
  readonly into: number | undefined;
  /** The place of the rule of the function's own chain that it belongs to. */
  readonly top: number;
}

/** Where in a function the code of rules begins. */
export interface RuleCuts {
  /** Instructions at which any packet may come to a rule, ascending, and the rule's place. */
  readonly rules: ReadonlyMap<number, number>;
  /** Instructions at which it has already been decided that a rule matches: part of the code that decides it. */
  readonly matched: ReadonlyMap<number, number>;
  /** All of them. */
  readonly all: ReadonlySet<number>;
}

/** In the place of a rule: the function returns RETURN. */
export const LEAVES = -1;

const MOST_RULES = 200_000;

/**
 * The rules of a chain in the order of their code, those of chains whose rules stand where they are jumped to in the place
 * of the jump. The line info tells which: it is a hint, and where it lies the proof fails.
 */
export class FlatChain {
  readonly rules: readonly FlatRule[];
  readonly cuts: RuleCuts;
  /** Places of the rules that have code. */
  readonly coded: ReadonlySet<number>;

  constructor(
    private readonly specification: Specification,
    private readonly code: Code,
    placed: PlacedFunction,
    chain: string,
    from: number,
  ) {
    const { lines, calling } = linesOf(code, placed);
    this.rules = this.flatten(chain, from, { lines, calling });
    this.cuts = this.cutsOf(placed);
    this.coded = new Set([...this.cuts.rules.values(), ...this.cuts.matched.values()]);
  }

  private flatten(chain: string, from: number, { lines, calling }: Hints): readonly FlatRule[] {
    const found: (() => FlatRule)[] = [];
    const add = (name: string, first: number, top: number | undefined, frame: Frame): void => {
      const rules = this.specification.rules(name);
      const own: number[] = [];
      for (let at = first; at < rules.length; at++) {
        if (found.length >= MOST_RULES) throw unsupported(`more than ${MOST_RULES} rules in one function`);
        const rule = rules[at];
        const place = found.length;
        const number = own.push(place);
        const next = (): number => own[number] ?? frame.end();
        const leave = frame.leave;
        const { effect } = rule.target;
        const { line } = rule.range;
        const stands = effect.kind === 'jump' && lines.has(line) && !calling.has(line);
        const behind = stands && effect.goto ? leave : next;
        const within = stands && this.specification.rules(effect.chain).length > 0 ? (): number => place + 1 : behind;
        found.push(() => ({
          chain: name,
          at,
          rule,
          next: next(),
          leave: leave(),
          into: stands ? within() : undefined,
          top: top ?? place,
        }));
        if (stands) add(effect.chain, 0, top ?? place, { end: behind, leave: behind });
      }
    };
    add(chain, from, undefined, { end: () => found.length, leave: () => LEAVES });
    return found.map((rule) => rule());
  }

  /** Places at which the line info names another rule. */
  private cutsOf(placed: PlacedFunction): RuleCuts {
    const places = new Map<number, number[]>();
    this.rules.forEach(({ rule: { range } }, place) => {
      const known = places.get(range.line);
      if (known === undefined) places.set(range.line, [place]);
      else known.push(place);
    });
    const rules = new Map<number, number>();
    const matched = new Map<number, number>();
    let last = -1;
    for (const [at, { line }] of lineChanges(this.code, placed)) {
      const there = places.get(line);
      if (there === undefined) continue;
      const { instruction } = this.code.instructions[at];
      // The number of the rule that is counted: the rules of a list are told apart before.
      const isMatched = instruction.dst === R8 && instruction.opcode === (CLASS.ALU | ALU_OP.mov);
      const place = there.find((one) => isMatched || one > last);
      if (place === undefined) continue;
      if (isMatched) {
        matched.set(at, place);
      } else {
        rules.set(at, place);
        last = place;
      }
    }
    return { rules, matched, all: new Set([...rules.keys(), ...matched.keys()]) };
  }
}

/** Where a chain goes on at its end, and where RETURN leads in it. */
interface Frame {
  readonly end: () => number;
  readonly leave: () => number;
}

interface Hints {
  /** Lines of the dump that some instruction stands for, and those that a chain is called for. */
  readonly lines: ReadonlySet<number>;
  readonly calling: ReadonlySet<number>;
}

function linesOf(code: Code, placed: PlacedFunction): Hints {
  const lines = new Set<number>();
  const calling = new Set<number>();
  for (let at = placed.start; at < placed.end; at++) {
    const { reference, line } = code.instructions[at].instruction;
    if (line === undefined) continue;
    lines.add(line.line);
    if (reference?.kind === 'function' && isChainFunction(reference.name)) calling.add(line.line);
  }
  return { lines, calling };
}

/** The compiler's name of functions that hold chains; only a hint, as what they do is proved. */
export function isChainFunction(name: string): boolean {
  return /(^|_)chain_\d+$/.test(name);
}
