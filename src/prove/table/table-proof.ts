import { VERDICT } from '../../../codegen/program/verdict.js';
import { FALSE, TRUE, type Ref } from '../bdd.js';
import type { Difference } from '../difference.js';
import { besideDiagrams, unsupported } from '../unprovable.js';
import type { Rule } from '../../../grammar/model/ruleset.js';
import type { RuleMeaning } from '../specification.js';
import { EnoughError, Grounds, type Chains, type Here } from './grounds.js';
import { Hits } from './hits.js';
import { ruleOf } from './least.js';
import { ANYWHERE, endsAll, mayMeet, partsOf, type Item, type Part, type PartSettings } from './rule-parts.js';
import type { Stand } from './stand.js';
import { waysOut, type Case, type Step } from './step.js';
import { Visits, type Arrival } from './visits.js';

/**
 * A function that looks rules up against the rules: what it counts, decides and goes on with at each place is what the rules say
 * that are still to be met there.
 */
export class TableProof extends Visits {
  private readonly parts: PartSettings;
  private readonly inlined = new Map<Part, readonly Item[]>();
  private hits: Hits | undefined;
  private falls = false;
  /** Whether it looks into several diagrams. */
  private looks = false;

  /** `thorough`: diagrams are asked of every decision and rule; else ranges of numbers, where they may answer. */
  constructor(
    private readonly chains: Chains,
    private readonly thorough: boolean,
  ) {
    super(new Grounds(chains, thorough));
    this.parts = {
      dimensions: this.grounds.dimensions,
      shapes: this.grounds.shapes,
      meaning: (rule: Rule): RuleMeaning => {
        const meaning = chains.meaning(rule);
        if (meaning.asked.length > 0) throw besideDiagrams('a test with memory beside diagrams');
        return meaning;
      },
    };
  }

  get differences(): readonly Difference[] {
    return this.grounds.differences;
  }

  /** Whether packets may come to the function's end without a verdict, having passed all rules from `from` on. */
  prove(places: readonly Step[], chain: string, from: number): boolean {
    const rules = this.chains.settings.specification.rules(chain);
    this.grounds.chain = chain;
    this.falls = false;
    this.looks = places.some(hasLook);
    const items = partsOf(rules, from, chain, undefined, this.parts);
    this.hits = new Hits(this.grounds, items, (number) => places[number].kind === 'next');
    const box = ANYWHERE;
    const stand = { items: this.cut(items, box), counted: -1 };
    try {
      this.visitAll(places, new Map([[0, { stand, known: this.grounds.comingTo(chain), box, beside: undefined }]]));
    } catch (error) {
      if (!(error instanceof EnoughError)) throw error;
    }
    return this.falls;
  }

  protected override atFork(stand: Stand, here: Here): Stand {
    // A chain is called before anything of the packet is asked, or it stands here.
    return stand.jump?.from === 0 ? this.unfolded(stand, here) : stand;
  }

  protected override forgets(cases: readonly Case[]): boolean {
    return this.looks && looksUp({ kind: 'fork', jump: true, cases }) === true;
  }

  protected override joined(a: Arrival, b: Arrival): Stand | undefined {
    const stand = super.joined(a, b);
    return stand === undefined ? undefined : { ...stand, least: this.hits?.joined(a, b) };
  }

  protected come(step: Exclude<Step, { kind: 'place' | 'fork' }>, stand: Stand, here: Here): void {
    const { hits } = this;
    switch (step.kind) {
      case 'exit':
        return this.exit(step.code, stand, here);
      case 'event':
        stand = this.happened(step.name, step.when, stand, here) ?? UNREAL;
        return stand === UNREAL ? undefined : this.visit(step.then, stand, here);
      case 'call':
        return this.call(step, stand, here);
      case 'look':
        return this.visit(step.then, { ...stand, least: hits?.looked(step, stand.least, here) }, here);
      case 'test':
        return hits?.tested(step, stand.least, (then, least) => this.visit(then, { ...stand, least }, here));
      case 'split':
        return this.told(step, stand, here);
      case 'flag': {
        const least = hits?.flagged(step, stand.least);
        this.visit(step.set, { ...stand, least }, here);
        return this.visit(step.clear, stand, here);
      }
      case 'next':
        return this.next(step, this.unfolded(stand, here), here);
      case 'stands':
      case 'found':
        throw unsupported('a chain that returns as a look-up does');
    }
  }

  private told(step: Extract<Step, { kind: 'split' }>, stand: Stand, here: Here): void {
    const sequence = this.hits?.sequenceOf(step.of);
    const cursor = sequence === undefined ? undefined : { sequence, from: 0n };
    this.hits?.told(step, stand, here, (then, items, there, isNone) =>
      this.visit(then, { ...stand, items, least: undefined, cursor: isNone ? undefined : cursor }, there),
    );
  }

  /** Hits are taken: each is counted as its rule says, and then the next one is taken, or what the rule decides follows. */
  private next({ of, sequence, after }: Extract<Step, { kind: 'next' }>, stand: Stand, here: Here): void {
    const { cursor, half, logging, decided, ...rest } = stand;
    const isOpen = half === undefined && logging === undefined && decided === undefined;
    if (cursor?.sequence !== sequence || !isOpen)
      return this.grounds.differ(undefined, 'hits that are taken', this.grounds.conditionOf(here), here);
    const then = (code: number | undefined): Step => {
      const step = code === undefined ? undefined : after.get(BigInt(code));
      if (step === undefined) throw unsupported('a hit that leads to nothing');
      return step;
    };
    const left = this.hits?.taken(of, cursor.from, rest, here, ({ value, item }, behind, there) => {
      const { certain } = item;
      const { events, code, moved } = sequence.takenAt(value);
      const items = endsAll(certain) ? [certain] : [certain, ...behind];
      let own: Stand | undefined = { ...rest, items };
      for (const event of events) {
        own = this.happened(event, TRUE, own, there);
        if (own === undefined) return;
      }
      const behindIt = moved ? { sequence, from: ruleOf(value) + 1n } : undefined;
      if (code !== undefined) return this.visit(then(code), { ...own, cursor: behindIt }, there);
      const isDone = own.half === undefined && own.logging === undefined && own.decided === undefined;
      // Nothing else is to be done for it.
      if (isDone && own.jump === undefined && own.items[0] !== certain) return;
      this.grounds.differ(item.part, 'what follows', this.grounds.conditionOf(there), there);
    });
    const none = sequence.none;
    if (left === undefined || none === undefined || none.events.length > 0) throw unsupported('nothing is found');
    this.visit(then(none.code), { ...rest, items: left }, here);
  }

  /** Undefined where no packet is left for which the rules say that it happens. */
  private happened(name: string, when: Ref, stand: Stand, here: Here): Stand | undefined {
    const counted = /^count (\d+) (packets|bytes)$/.exec(name);
    if (counted !== null) {
      const [, number, what] = counted;
      const key = Number(number);
      if (stand.half === undefined) return { ...stand, half: { key, what } };
      const { half, ...rest } = stand;
      if (half.key === key && half.what !== what) return this.counted(key, rest, here);
      this.grounds.differ(undefined, `count ${key} ${what}`, this.grounds.conditionOf(here), here);
      return undefined;
    }
    if (name === `log ${stand.logging}`) {
      const { logging, ...rest } = stand;
      void logging;
      return rest;
    }
    this.grounds.differ(undefined, name, this.chains.bdd.and(this.grounds.conditionOf(here), when), here);
    return stand;
  }

  /** A rule was counted: none before it may match, and it must. */
  private counted(key: number, before: Stand, here: Here): Stand | undefined {
    const { specification } = this.chains.settings;
    const stand = this.unfolded(before, here);
    if (stand.decided !== undefined || stand.logging !== undefined) {
      this.grounds.differ(undefined, `count ${key} packets`, this.grounds.conditionOf(here), here);
      return undefined;
    }
    const index = stand.items.findIndex(({ part }) => !part.drops && specification.keyOf(part.chain, part.at) === key);
    if (index < 0) {
      this.grounds.differ(undefined, `count ${key} packets`, this.grounds.conditionOf(here), here);
      return undefined;
    }
    this.passed(stand.items.slice(0, index), here);
    const { part, most, kind } = stand.items[index];
    if (kind !== 'certain')
      this.grounds.differ(
        part,
        `count ${key} packets`,
        this.chains.bdd.without(this.grounds.conditionOf(here), most),
        here,
      );
    const items = stand.items.slice(index + 1).filter((item) => item.part.order > part.order);
    return this.behind(part, key, { items, counted: part.order });
  }

  /** The rules behind one that matched. */
  private behind(part: Part, key: number, stand: Stand): Stand {
    const { effect } = part.rule.target;
    if (effect.kind === 'return' && part.caller !== undefined) {
      const { caller } = part;
      return { ...stand, items: stand.items.filter((item) => !isInside(item.part, caller)) };
    }
    const decided = this.chains.settings.specification.codeOf(effect);
    if (decided !== undefined) return { items: [], counted: part.order, decided };
    switch (effect.kind) {
      case 'log':
        return { ...stand, logging: key };
      case 'jump':
        if (effect.goto && part.caller !== undefined) throw unsupported('a goto in a chain that stands in another one');
        return { ...stand, ...(effect.goto ? { items: [] } : {}), jump: { part, from: 0 } };
      case 'mark':
        throw part.chain === this.chains.settings.specification.hookChain
          ? besideDiagrams('MARK beside diagrams')
          : unsupported('MARK in a chain that rules jump to');
      case 'accept':
      case 'drop':
      case 'reject':
      case 'return':
      case 'opaque':
      case 'continue':
        return stand;
    }
  }

  /** A jump whose chain is not called: its rules stand in its place. */
  private unfolded(stand: Stand, { box }: Here): Stand {
    const { jump, ...rest } = stand;
    if (jump === undefined) return stand;
    const { effect } = jump.part.rule.target;
    if (effect.kind !== 'jump' || effect.goto || jump.from !== 0) throw unsupported('a chain that is not called');
    let inner = this.inlined.get(jump.part);
    if (inner === undefined) {
      const rules = this.chains.settings.specification.rules(effect.chain);
      this.inlined.set(jump.part, (inner = partsOf(rules, 0, effect.chain, jump.part, this.parts)));
    }
    const met = inner.filter((item) =>
      box.every((range, dimension) => range === undefined || mayMeet(item, dimension, [range])),
    );
    return { ...rest, items: this.cut([...met, ...rest.items], box) };
  }

  /** None of these may match. */
  private passed(all: readonly Item[], here: Here): void {
    const items = this.thorough ? all : all.filter((item) => !this.grounds.deciding.isOut(item, here));
    if (items.length === 0) return;
    const condition = this.grounds.conditionOf(here);
    for (const item of items) {
      const missed = this.chains.bdd.and(condition, item.where);
      if (missed !== FALSE) this.grounds.differ(item.part, 'whether the next rule follows', missed, here);
    }
  }

  private exit(code: number, before: Stand, here: Here): void {
    const { bdd } = this.chains;
    const stand = before.decided === undefined ? this.unfolded(before, here) : before;
    if (stand.half !== undefined || stand.logging !== undefined) {
      const what = stand.half === undefined ? `log ${stand.logging}` : 'a count';
      return this.grounds.differ(undefined, what, this.grounds.conditionOf(here), here);
    }
    if (stand.decided !== undefined) {
      if (stand.decided !== code)
        this.grounds.differ(undefined, `verdict ${code}`, this.grounds.conditionOf(here), here);
      return;
    }
    if (code === VERDICT.NEXT) {
      this.falls = true;
      return this.passed(stand.items, here);
    }
    if (!this.thorough && code === VERDICT.DROP && this.isDropped(stand.items, here)) return;
    let left = this.grounds.conditionOf(here);
    for (const item of stand.items) {
      const met = bdd.and(left, item.where);
      if (met === FALSE) continue;
      if (!item.part.drops || code !== VERDICT.DROP) this.grounds.differ(item.part, `verdict ${code}`, met, here);
      left = bdd.without(left, item.most);
    }
    this.grounds.differ(undefined, `verdict ${code}`, left, here);
  }

  /** Whether the first item that packets may meet drops all of them. */
  private isDropped(items: readonly Item[], here: Here): boolean {
    const first = items.find((item) => !this.grounds.deciding.isOut(item, here));
    return first?.kind === 'certain' && first.part.drops;
  }

  private call({ placed, part, after }: Extract<Step, { kind: 'call' }>, stand: Stand, here: Here): void {
    const { jump, ...rest } = stand;
    const effect = jump?.part.rule.target.effect;
    if (jump === undefined || effect?.kind !== 'jump' || stand.half !== undefined || stand.logging !== undefined) {
      return this.grounds.differ(
        undefined,
        'a call of a chain where no rule jumps',
        this.grounds.conditionOf(here),
        here,
      );
    }
    const rules = this.chains.settings.specification.rules(effect.chain);
    const end = this.chains.segment(placed, part, effect.chain, jump.from);
    for (const [code, then] of after) {
      if (code > VERDICT.RETURN) {
        this.visit(then, { items: [], counted: stand.counted, decided: code }, here);
        continue;
      }
      if (code === VERDICT.NEXT && end === undefined) continue;
      const goesOn = code === VERDICT.NEXT && end !== undefined && end < rules.length;
      const behind: Stand = effect.goto ? { ...rest, items: [], decided: VERDICT.RETURN } : rest;
      this.visit(then, goesOn ? { ...stand, jump: { part: jump.part, from: end } } : behind, here);
    }
  }
}

function hasLook(step: Step): boolean {
  switch (step.kind) {
    case 'look':
      return true;
    case 'fork':
      return step.cases.some(({ then }) => hasLook(then));
    case 'test':
      return hasLook(step.inside) || hasLook(step.outside);
    case 'flag':
      return hasLook(step.set) || hasLook(step.clear);
    case 'event':
      return hasLook(step.then);
    case 'call':
    case 'next':
    case 'split':
      return [...(step.kind === 'split' ? step.cases : step.after).values()].some(hasLook);
    case 'place':
    case 'exit':
    case 'found':
    case 'stands':
      return false;
  }
}

/** Whether all ways lead to a look-up or to another place, and some to a look-up; undefined: all to places. */
function looksUp(step: Step): boolean | undefined {
  switch (step.kind) {
    case 'look':
      return true;
    case 'place':
      return undefined;
    case 'fork':
    case 'flag':
    case 'test': {
      const ways = waysOut(step);
      let some: true | undefined;
      for (const way of ways) {
        const own = looksUp(way);
        if (own === false) return false;
        some ??= own;
      }
      return some;
    }
    case 'exit':
    case 'event':
    case 'call':
    case 'next':
    case 'split':
    case 'found':
    case 'stands':
      return false;
  }
}

const UNREAL: Stand = { items: [], counted: -1 };

function isInside(part: Part, jump: Part): boolean {
  for (let at = part.caller; at !== undefined; at = at.caller) if (at === jump) return true;
  return false;
}
