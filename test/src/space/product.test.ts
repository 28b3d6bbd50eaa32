import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { ruleCondition } from '../../../src/evaluate/evaluate.js';
import { boxNode, coverWithBoxes } from '../../../src/space/boxes.js';
import { FALSE, TRUE } from '../../../src/space/diagram.js';
import { exampleOf } from '../../../src/space/example.js';
import { flowsOf } from '../../../src/space/flows.js';
import { multiplied, type Product } from '../../../src/space/product.js';
import { projected } from '../../../src/space/projection.js';
import { PacketSpace } from '../../../src/space/space.js';
import { Random } from '../../../src/verify/random.js';

/** Some tests, each function what several of them leave. */
function randomProduct(seed: number): { readonly space: PacketSpace; readonly product: Product } {
  const random = new Random(seed);
  const net = (): string => `10.0.${random.below(4)}.${random.below(4) * 64}/${random.pick([22, 24, 26, 32])}`;
  const test = (): string =>
    random.pick([
      () => `-s ${net()}`,
      () => `-d ${net()} -p tcp -m tcp --dport ${random.below(6)}`,
      () => `-s ${net()} -p udp -m udp --sport ${random.below(4)}:9`,
      () => `-d ${net()} -m length --length ${random.below(90)}:1500`,
      () => `-p tcp -m tcp --tcp-flags SYN,ACK SYN`,
      () => `-s ${net()} -d ${net()} -f`,
      () => `! -p tcp`,
    ])();
  const lines = Array.from({ length: 3 + random.below(9) }, () => `-A INPUT ${test()} -j DROP`);
  const dump = ['*filter', ':INPUT ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n');
  const conditions = parseDump(dump, { family: 'v4' }).ruleset.tables[0].chains[0].rules.map(ruleCondition);
  const space = new PacketSpace({ family: 'v4', hook: 'INPUT', conditions });
  const { diagrams } = space;
  const product = Array.from({ length: 1 + random.below(4) }, () => TRUE);
  for (const condition of conditions) {
    const at = random.below(product.length);
    const matching = diagrams.map(space.outcomes.of(condition, { occurrence: '' }), (value) => (value === 0 ? 0 : 1));
    product[at] = diagrams.and(product[at], random.chance(0.85) ? diagrams.not(matching) : matching);
  }
  return { space, product };
}

const SEEDS = Array.from({ length: 30 }, (_, i) => i + 1);

describe('products of functions', () => {
  it.each(SEEDS)('have the flows, the rectangles and the examples of what they come to: seed %i', (seed) => {
    const { space, product } = randomProduct(seed);
    const { diagrams, feasible } = space;
    const whole = diagrams.and(multiplied(diagrams, product), feasible);
    const possible: Product = [...product, feasible];
    expect(flowsOf(space, possible)).toBe(flowsOf(space, [whole]));
    for (const most of [0, 200, Infinity]) {
      const isEven = (variable: number): boolean => variable % 2 === 0;
      const within = diagrams.project(feasible, isEven);
      const here = diagrams.and(diagrams.project(multiplied(diagrams, product), isEven), within);
      expect(projected(diagrams, product, within, isEven, most)).toBe(here);
    }
    expect(exampleOf(space, product) === undefined).toBe(exampleOf(space, [whole]) === undefined);
    for (const boxes of [1, 3, 60]) {
      const cover = coverWithBoxes(diagrams, product, feasible, { boxes, ranges: Infinity });
      const held = diagrams.anyOf(cover.boxes.map((box) => boxNode(diagrams, box)));
      expect(diagrams.and(diagrams.and(held, feasible), diagrams.not(whole))).toBe(FALSE);
      expect(cover.more).toBe(diagrams.and(whole, diagrams.not(held)) !== FALSE);
      for (const box of cover.boxes) {
        for (const [variable] of box) {
          // No box is wider in any variable.
          const wider = new Map(box);
          wider.delete(variable);
          const around = diagrams.and(boxNode(diagrams, wider), diagrams.and(feasible, diagrams.not(whole)));
          const bad = diagrams.project(around, (one) => one === variable);
          const own = diagrams.test(variable, box.get(variable) ?? []);
          expect(diagrams.or(bad, own)).toBe(TRUE);
        }
      }
    }
  });
});
