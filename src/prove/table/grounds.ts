import { fieldBits, type Field } from '../../../grammar/model/fields.js';
import type { Family } from '../../../grammar/model/family.js';
import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import { FALSE, TRUE, type Ref } from '../bdd.js';
import type { Difference } from '../difference.js';
import { isFact } from '../flow.js';
import { reaching, type Meanings } from '../reach.js';
import type { Specification } from '../specification.js';
import { besideDiagrams } from '../unprovable.js';
import type { Variables } from '../variables.js';
import type { Bits, Words } from '../words.js';
import { coming, type Beside } from './beside.js';
import { Condition } from './condition.js';
import { Deciding, type Told } from './deciding.js';
import { Dimensions, holds, isBroadField, type Limit } from './dimensions.js';
import { narrowed } from './narrow.js';
import type { Part } from './rule-parts.js';
import { RuleShapes } from './rule-shape.js';
import type { Case } from './step.js';
import type { Known } from './pieces.js';

/** What the proof of tables asks the proof of chains. */
export interface Chains extends Meanings {
  readonly words: Words;
  readonly variables: Variables;
  readonly settings: { readonly specification: Specification; readonly family: Family };
  field(field: Field): Bits;
  /** Proves another part of a chain, as {@link ChainProof.segment}. */
  segment(placed: PlacedFunction, part: bigint, chain: string, from: number): number | undefined;
}

/** What is known of packets between two places. */
export interface Here extends Told {
  /** The ways that lead to the last place, looked at only where there is a doubt. */
  readonly beside: Beside | undefined;
}

export const NOTHING: Here['told'] = new Map();

const NO_LIMITS: readonly Limit[] = [];

/** What a chain's rules most often take for known where it is jumped to; no target changes it. */
const TOLD: readonly Field[] = ['proto', 'l4found', 'fragoff', 'l4len'];

const MOST_DIFFERENCES = 8;
const MOST_DOUBTS = 10_000;
/** … and so many for each rule. */
const DOUBTS_PER_RULE = 40;
/** Places that ways to doubts are led back over. */
const MOST_STEPS = 400_000;

export class EnoughError extends Error {}

/** What is known of packets on their way, and what is in doubt, for all functions of a part of a chain. */
export class Grounds {
  readonly differences: Difference[] = [];
  readonly dimensions: Dimensions;
  readonly shapes: RuleShapes;
  /** The chain that is proved. */
  chain = '';
  private readonly limits = new Map<readonly Known[], readonly Limit[]>();
  private doubts = 0;
  private readonly budget = { steps: MOST_STEPS };
  private readonly broad = new Map<Ref, boolean>();

  readonly deciding: Deciding;
  private readonly coming = new Map<string, Ref>();

  /** `thorough`: as of {@link TableProof}. */
  constructor(
    readonly chains: Chains,
    readonly thorough: boolean,
  ) {
    this.dimensions = new Dimensions((field) => chains.field(field));
    const variables = new Set(this.broadNames().flatMap((name) => chains.variables.variablesOf(name)));
    const isBroad = (variable: number): boolean => variables.has(variable);
    this.deciding = new Deciding(chains.words, this.dimensions, isBroad);
    const { words } = chains;
    this.shapes = new RuleShapes({
      words,
      dimensions: this.dimensions,
      field: (field) => chains.field(field),
      isBroad,
    });
  }

  /** What is known of the headers of packets that come to a chain: some rule that jumps there matches. */
  comingTo(chain: string): Ref {
    const { bdd, settings } = this.chains;
    const { specification } = settings;
    if (chain === specification.hookChain) return TRUE;
    let known = this.coming.get(chain);
    if (known === undefined) {
      known = FALSE;
      for (const caller of specification.callersOf(chain)) {
        const { yes } = this.chains.meaning(specification.rules(caller.chain)[caller.at]);
        const headers = new Set(TOLD.flatMap((name) => this.chains.variables.variablesOf(name)));
        const told = bdd.exists(yes, (variable) => !headers.has(variable));
        known = bdd.or(known, bdd.and(told, this.comingTo(caller.chain)));
      }
      this.coming.set(chain, known);
    }
    return known;
  }

  conditionOf(here: Pick<Here, 'known' | 'local'>): Ref {
    return this.deciding.conditionOf(here);
  }

  /** The same, worked out when it is asked for. */
  edgeOf({ known, local }: Here): Condition {
    // Ways are kept to the end: of what is known there, no more than this is asked for.
    return new Condition(() => this.conditionOf({ known, local }));
  }

  /** Packets on one way out of a fork. */
  there(here: Here, one: Case, limits: readonly Limit[], broad: boolean): Here {
    const { bdd } = this.chains;
    return {
      known: broad ? here.known : bdd.and(here.known, one.when.ref),
      local: broad ? here.local.and(one.when, bdd) : here.local,
      told: broad ? this.told(here, one, limits) : here.told,
      box: narrowed(here.box, limits),
      beside: here.beside,
    };
  }

  /** What a decision says of dimensions beside a box. */
  private told({ told, box }: Here, { refuted }: Case, limits: readonly Limit[]): Here['told'] {
    if (refuted.length === 0 && limits.every(isOneRange)) return told;
    const said = limits.filter((limit) => !isOneRange(limit));
    const away = this.limitsOf(refuted);
    if (away.length === 0) return this.dimensions.narrowed(told, said);
    // One of them does not hold: it is known which one if all others hold for the whole box.
    const open = away.filter(({ dimension, ranges }) => {
      const own = box[dimension];
      return own === undefined || !holds(ranges, [own]);
    });
    const one = open.length === 1 && away.length === refuted.length ? open[0] : undefined;
    for (const limit of away) {
      const { dimension } = limit;
      said.push(
        limit === one ? this.dimensions.beyond(limit) : { dimension, ranges: [this.dimensions.range(dimension)] },
      );
    }
    return this.dimensions.narrowed(told, said);
  }

  limitsOf(known: readonly Known[]): readonly Limit[] {
    if (known.length === 0) return NO_LIMITS;
    let limits = this.limits.get(known);
    if (limits === undefined) {
      const found: Limit[] = [];
      for (let i = 0; i < known.length; i++) {
        const limit = this.dimensions.limit(known[i].of, known[i].ranges);
        if (limit !== undefined) found.push(limit);
      }
      limits = found;
      this.limits.set(known, limits);
    }
    return limits;
  }

  /** Whether a condition is one of addresses, ports, and their like. */
  isBroad({ when, known, refuted }: Case): boolean {
    const numbers = known.length > 0 ? known : refuted;
    if (numbers.length === 0) return this.isBroadOf(when.ref, undefined);
    for (let i = 0; i < numbers.length; i++) {
      const { of } = numbers[i];
      if (of.length > 0 && this.isBroadOf(of[of.length - 1], of)) return true;
    }
    return false;
  }

  /** `asked`: the same for all conditions of the same number. */
  private isBroadOf(asked: Ref, of: Bits | undefined): boolean {
    let broad = this.broad.get(asked);
    if (broad === undefined) {
      const { bdd } = this.chains;
      const support = bdd.support(of === undefined ? asked : bdd.anyOf(of));
      broad = this.broadNames().some((name) => this.chains.variables.variablesOf(name).some((one) => support.has(one)));
      this.broad.set(asked, broad);
    }
    return broad;
  }

  private broadNames(): readonly string[] {
    const { family } = this.chains.settings;
    return this.chains.variables
      .names()
      .filter((name) => isField(name) && !isFact(name) && isBroadField(name, fieldBits(name, family)));
  }

  /** `part` undefined: it is not known at which rule. */
  differ(part: Part | undefined, what: string, where: Ref, { box, beside }: Here): void {
    if (where === FALSE) return;
    const { bdd, words } = this.chains;
    const most = MOST_DOUBTS + DOUBTS_PER_RULE * this.chains.settings.specification.rules(this.chain).length;
    if (++this.doubts > most) throw besideDiagrams('too many places that may differ', 'too-complex');
    let inside = where;
    for (const [dimension, range] of box.entries()) {
      if (range === undefined) continue;
      const [lo, hi] = range;
      const bits = this.dimensions.bitsOf(dimension);
      inside = bdd.and(inside, words.within(bits, BigInt(lo), BigInt(hi)));
    }
    this.report(part, what, inside === FALSE ? FALSE : coming(inside, beside, bdd, this.budget));
  }

  /** What a quick way proves; undefined where it finds a difference, which is then none: it is to be looked for in another way. */
  attempt<T>(prove: () => T): T | undefined {
    if (this.thorough) return undefined;
    const before = this.differences.length;
    try {
      return prove();
    } catch (error) {
      if (!(error instanceof EnoughError)) throw error;
      this.differences.length = before;
      return undefined;
    }
  }

  /** A difference, if packets come to the rule for which there is one. */
  report(part: Part | undefined, what: string, where: Ref): void {
    if (where === FALSE) return;
    const { specification } = this.chains.settings;
    const isTop = part?.caller === undefined;
    const chain = part !== undefined && isTop ? part.chain : this.chain;
    const at = part !== undefined && isTop ? part.at : 0;
    const difference: Difference = { chain, at, what, where };
    if (specification.rules(chain).length > 0 && reaching(this.chains, difference) === FALSE) return;
    this.differences.push(difference);
    if (!this.thorough || this.differences.length >= MOST_DIFFERENCES) throw new EnoughError();
  }
}

const isOneRange = ({ ranges }: Limit): boolean => ranges.length === 1;

const isField = (name: string): name is Field => !name.includes(' ');
