import type { Condition } from '../../grammar/model/condition.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { printPacketText } from '../packet/index.js';
import { coverWithBoxes, type Box } from '../space/boxes.js';
import { reachable, spaceFor } from '../space/compare.js';
import type { ChainPlace } from '../space/place.js';
import { decidingOf, type Deciding } from '../space/deciding.js';
import { describeBox, type Side } from '../space/describe.js';
import { FALSE, type Node } from '../space/diagram.js';
import { Explorer, type Fate } from '../space/explore.js';
import { flowsOf } from '../space/flows.js';
import { Hulls } from '../space/hull.js';
import { Lists, type List } from '../space/lists.js';
import { nameRules, type RuleNames } from '../space/names.js';
import { RegionLists } from '../space/region-lists.js';
import { regionsOf } from '../space/regions.js';
import { compileChain, Deciders } from '../space/program.js';
import { describeInputs, exampleIn, isVerdict, replayExample } from '../space/replay.js';
import type { PacketSpace } from '../space/space.js';

/** A packet of a part, judged by the reference. */
export interface AnswerPacket {
  /** As `explain --packet` reads it. */
  readonly text: string;
  /** What is assumed beside the packet: state, outcomes of `limit`, … */
  readonly inputs: readonly Side[];
  /** What the reference says. */
  readonly verdict: string;
  /** The reference says what the answer says: same verdict, same rule. */
  readonly confirmed: boolean;
}

/** The packets of a question that one rule, or the policy, decides. */
export interface Part {
  readonly deciding: Deciding;
  readonly region: Node;
}

export interface PartDetails {
  /** What the packets have beside what is asked for; no sides: all of it. */
  readonly rectangles: readonly (readonly Side[])[];
  /** There are more packets than the rectangles hold. */
  readonly more: boolean;
  readonly example?: AnswerPacket;
}

/** A built-in chain, to be asked about packets. */
export class Question {
  readonly space: PacketSpace;
  readonly #names: RuleNames;
  readonly #deciders = new Deciders();
  readonly #lists: Lists;
  readonly #hulls: Hulls;
  readonly #list: List;

  /**
   * `conditions` are all that will be asked about.
   *
   * @throws BrokenTableError
   */
  constructor(
    private readonly ruleset: Ruleset,
    private readonly place: ChainPlace,
    conditions: readonly Condition[],
  ) {
    const chains = reachable(ruleset, place);
    const names = nameRules(chains);
    this.#names = names;
    this.space = spaceFor(ruleset, place.chain, chains, conditions);
    this.#lists = new Lists(this.space.diagrams, 'deciders', String);
    this.#hulls = new Hulls(this.space.diagrams);
    this.#list = compileChain(this.space, this.#lists, this.#deciders, {
      ruleset,
      ...place,
      occurrence: (_chain, _number, rule) => names.occurrence.get(rule) ?? '',
    });
  }

  /** Packets that come to the chain and have what is asked for. */
  packets(condition: Condition): Node {
    const { diagrams, outcomes, feasible } = this.space;
    return diagrams.and(outcomes.of(condition, { occurrence: '' }), feasible);
  }

  /**
   * What becomes of the packets of a region: disjoint parts, by verdict and in the order of the dump.
   *
   * @throws TooWideError
   */
  parts(region: Node): readonly Part[] {
    if (region === FALSE) return [];
    const explorer = new Explorer(this.#lists, this.#deciders);
    const decided = explorer.decide(region, new RegionLists(this.#lists, this.#hulls, region).of(this.#list));
    const regions = regionsOf(this.space.diagrams, decided);
    return explorer.fates
      .map((fate: Fate, i): Part => {
        return { deciding: decidingOf(fate, this.ruleset, this.place), region: regions.get(i + 1) ?? FALSE };
      })
      .filter((part) => part.region !== FALSE)
      .sort((a, b) => compareDeciding(a.deciding, b.deciding));
  }

  /** Different combinations of addresses, protocol and first four bytes of the transport header (the ports). */
  flows(region: Node): bigint {
    return flowsOf(this.space, [region]);
  }

  /** Rectangles, at most `limit`, are told as what they have beside what all packets of `within` have. */
  details(part: Part, within: Node, limit: number): PartDetails {
    const { space } = this;
    const { boxes, more } = coverWithBoxes(space.diagrams, [part.region], within, { boxes: limit, ranges: Infinity });
    const example = this.example(part);
    return {
      rectangles: boxes.map((box) => describeBox(space, box, within)),
      more,
      ...(example === undefined ? {} : { example }),
    };
  }

  /** A packet of the part; undefined where none was found. */
  example({ region, deciding }: Part): AnswerPacket | undefined {
    const { space } = this;
    const boxes = (): readonly Box[] =>
      coverWithBoxes(space.diagrams, [region], space.feasible, { boxes: EXAMPLE_BOXES, ranges: Infinity }).boxes;
    const example = exampleIn(space, [region], boxes);
    if (example === undefined) return undefined;
    const { verdict, decision } = replayExample(this.ruleset, this.place, space, this.#names, example);
    const decides =
      decision === undefined ||
      (decision.by === 'policy'
        ? deciding.rule === undefined
        : decision.rule.number === deciding.rule && decision.rule.chain === deciding.chain);
    return {
      text: printPacketText(example.packet),
      inputs: describeInputs(space, example),
      verdict,
      confirmed: isVerdict(verdict, deciding.verdict) && decides,
    };
  }
}

/** Rectangles that an example is looked for in. */
const EXAMPLE_BOXES = 20;

const ORDER = ['accept', 'drop', 'reject', 'target'];

const rankOf = ({ verdict }: Deciding): number => ORDER.indexOf(verdict.split(' ')[0]);

function compareDeciding(a: Deciding, b: Deciding): number {
  if (a.verdict !== b.verdict) return rankOf(a) - rankOf(b) || (a.verdict < b.verdict ? -1 : 1);
  const last = Number.MAX_SAFE_INTEGER;
  const policy = (one: Deciding): number => (one.rule === undefined ? last : (one.line ?? last));
  return policy(a) - policy(b) || Number(a.hotdrop) - Number(b.hotdrop);
}
