import { expect, it } from 'vitest';
import { parseDump } from '../../../../grammar/index.js';
import { fieldBits, type Field } from '../../../../grammar/model/fields.js';
import { Bdd, FALSE, type Ref } from '../../../../src/prove/bdd.js';
import { transportNeed, whereReadable } from '../../../../src/prove/flow.js';
import { meaningOf } from '../../../../src/prove/meaning.js';
import { Dimensions, isBroadField, type Hull } from '../../../../src/prove/table/dimensions.js';
import { RuleShapes } from '../../../../src/prove/table/rule-shape.js';
import { Variables } from '../../../../src/prove/variables.js';
import { Words, type Bits } from '../../../../src/prove/words.js';
import { entryChain } from '../../../../src/evaluate/chains.js';
import { ruleCondition } from '../../../../src/evaluate/evaluate.js';
import { filterDump } from '../support.js';

/** Rules, and whether it is told of where they match and of where they drop what they say beside their hulls. */
const RULES: readonly (readonly [rule: string, yes: boolean, hot: boolean])[] = [
  ['-s 10.0.0.0/8 -d 192.0.2.7/32 -j DROP', true, true],
  ['! -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j DROP', true, true],
  ['-p tcp -m tcp --sport 0:1023 ! --dport 80 -j ACCEPT', true, true],
  ['-p udp -m udp --sport 0 -j ACCEPT', true, true],
  ['-p tcp -m multiport --dports 80,443,8000:8080 -j ACCEPT', true, true],
  ['-s 192.0.2.0/24 -p tcp -m tcp --dport 53 --tcp-flags SYN,ACK SYN -j DROP', true, true],
  ['-p tcp -m multiport --ports 80,443 -j DROP', false, false],
  ['-p icmp -m icmp --icmp-type 8 -m length --length 100:200 -j DROP', true, true],
  ['-m iprange --src-range 10.0.0.9-10.0.3.4 -f -j DROP', true, true],
  ['-p udp -m udp ! --dport 0 -m udp --sport 9 -j DROP', true, false],
];

const bdd = new Bdd();
const words = new Words(bdd);
const variables = new Variables(bdd);

function field(name: Field): Bits {
  const bits = variables.word(name, fieldBits(name, 'v4'));
  const need = transportNeed(name);
  return need === undefined ? bits : whereReadable(words, bits, field('l4len'), need);
}

const isBroad = (variable: number): boolean =>
  variables
    .names()
    .some(
      (name) => isBroadField(name, fieldBits(name as Field, 'v4')) && variables.variablesOf(name).includes(variable),
    );

it.each(RULES)('a rule is its hull and what is said of numbers of few bits: %s', (rule, yes, hot) => {
  const { ruleset, diagnostics } = parseDump(filterDump([`-A INPUT ${rule}`]), { family: 'v4' });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const [only] = entryChain(ruleset, 'filter', 'INPUT').index.get('INPUT')?.rules ?? [];
  const condition = ruleCondition(only);
  const dimensions = new Dimensions(field);
  const refuse = (): never => {
    throw new Error('a test that is none of fields');
  };
  const inside = (hull: Hull): Ref =>
    bdd.allOf(
      [...hull].map(([dimension, ranges]) =>
        bdd.anyOf(ranges.map(([lo, hi]) => words.within(dimensions.bitsOf(dimension), BigInt(lo), BigInt(hi)))),
      ),
    );
  const { hull } = dimensions.hullOf(condition);
  const dropping = dimensions.dropping(condition);
  const shape = new RuleShapes({ words, dimensions, field, isBroad }).shapeOf(condition);
  const want = meaningOf(condition, { words, field, opaque: refuse, payload: refuse });
  const broad = (all: Hull): Hull => new Map([...all].filter(([dimension]) => dimensions.isBroad(dimension)));
  if (shape.yes !== undefined) expect(bdd.and(shape.yes, inside(broad(hull)))).toBe(want.yes);
  if (shape.hot !== undefined && want.hot !== FALSE) expect(bdd.and(shape.hot, inside(broad(dropping)))).toBe(want.hot);
  if (want.hot === FALSE) expect([FALSE, undefined]).toContain(shape.hot);
  expect({ yes: shape.yes !== undefined, hot: shape.hot !== undefined }).toEqual({ yes, hot });
});
