import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Opaque } from '../../../grammar/model/condition.js';
import { fieldBits, type Field } from '../../../grammar/model/fields.js';
import { findChain, type Chain, type Ruleset } from '../../../grammar/model/ruleset.js';
import { TRUE as ALWAYS } from '../../../grammar/model/condition.js';
import { ruleCondition } from '../../../src/evaluate/evaluate.js';
import { Bdd, FALSE, TRUE, type Ref } from '../../../src/prove/bdd.js';
import { transportNeed, whereReadable } from '../../../src/prove/flow.js';
import { meaningOf, type Reading } from '../../../src/prove/meaning.js';
import { Variables } from '../../../src/prove/variables.js';
import { slice, Words, type Bits } from '../../../src/prove/words.js';
import { Question } from '../../../src/query/question.js';
import { valueOf, type Node } from '../../../src/space/diagram.js';
import { BASE_STATES } from '../../../src/space/meaning.js';
import { MEASURE_ORDER, measureBits, type Measure } from '../../../src/space/measures.js';
import type { PacketSpace } from '../../../src/space/space.js';
import { Random } from '../../../src/verify/random.js';

/** Rules of most kinds that fields decide, over three chains that call one another. */
function dumpOf(random: Random, rules: number): string {
  const pick = <T>(...of: readonly T[]): T => of[random.below(of.length)];
  const net = (): string =>
    `10.${random.below(4)}.${random.below(256)}.${random.below(256)}/${pick(8, 16, 20, 24, 32)}`;
  const port = (): string => {
    const from = random.below(2000);
    return pick(String(from), `${from}:${from + random.below(3000)}`);
  };
  // Long lists look at few things, each rule at its own: else the packets fall into more parts than can be counted.
  const long = rules > 100;
  const tests = (): string => {
    if (long) {
      const source = `-s 10.${random.below(4)}.${random.below(256)}.${random.below(256)}/${pick(20, 24, 32)}`;
      return `${source} ${pick('', `-p tcp -m tcp --dport ${port()}`, `-p udp -m udp --dport ${port()}`)}`;
    }
    const of: string[] = [];
    const not = (): string => (random.below(6) === 0 ? '! ' : '');
    if (random.below(3) > 0) of.push(`${not()}-s ${net()}`);
    if (random.below(3) === 0) of.push(`${not()}-d ${net()}`);
    switch (random.below(6)) {
      case 0:
      case 1:
        of.push(`-p tcp -m tcp ${not()}--dport ${port()}`);
        break;
      case 2:
        of.push(`-p udp -m udp --sport ${port()} ${not()}--dport ${port()}`);
        break;
      case 3:
        of.push(`-p icmp -m icmp --icmp-type ${pick('8', '3/4', '0')}`);
        break;
      case 4:
        of.push(pick('-f', '! -f', '-p tcp -m tcp --tcp-flags SYN,ACK SYN', '! -p udp'));
    }
    if (random.below(12) === 0) of.push(`-m conntrack --ctstate ${pick('NEW', 'RELATED,ESTABLISHED', 'INVALID')}`);
    if (random.below(12) === 0) of.push(`-m length --length ${random.below(90)}:${100 + random.below(1400)}`);
    return of.join(' ');
  };
  const lines = Array.from({ length: rules }, (_, i) => {
    const chain = i < rules * (long ? 0.9 : 0.5) ? 'INPUT' : pick('one', 'two', 'three');
    const next = { INPUT: 'one', one: 'two', two: 'three', three: '' }[chain];
    const jumps = next === '' || (long && i % 40 !== 0) ? [] : [`-j ${next}`, `-g ${next}`];
    return `-A ${chain} ${tests()} ${pick('-j ACCEPT', '-j DROP', '-j DROP', '-j REJECT', '-j RETURN', '', ...jumps)}`;
  });
  const chains = ['one', 'two', 'three'].map((name) => `:${name} - [0:0]`);
  return [
    '*filter',
    ':INPUT DROP [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ...chains,
    ...lines,
    'COMMIT',
    '',
  ].join('\n');
}

/** Measures that fields stand in, for IPv4. */
const PLACES: Readonly<Partial<Record<Field, readonly [measure: Measure, shift: number]>>> = {
  sport: ['l4.0', 16],
  dport: ['l4.0', 0],
  'icmp.type': ['l4.0', 24],
  'icmp.code': ['l4.0', 16],
  'tcp.flags': ['l4.12', 0],
};

/** The rules over single bits, chain by chain as the kernel walks them: nothing is shared with src/space. */
class Bitwise {
  readonly bdd = new Bdd();
  readonly words = new Words(this.bdd);
  readonly decided = new Map<string, Ref>();
  readonly #variables = new Variables(this.bdd);
  readonly #reading: Reading = {
    words: this.words,
    field: (field) => this.#field(field),
    opaque: (test) => this.#state(test),
    payload: () => expect.unreachable('no test walks over the packet'),
  };

  constructor(private readonly ruleset: Ruleset) {
    this.state();
    for (const measure of MEASURE_ORDER) this.measure(measure);
  }

  state(): Bits {
    return this.#variables.word('state', 3);
  }

  measure(measure: Measure): Bits {
    return this.#variables.word(measure, measureBits(measure, 'v4'));
  }

  #field(field: Field): Bits {
    const { words } = this;
    if (field === 'length') {
      return words.add(words.shiftLeft(this.measure('ihl'), 2, 6), this.measure('l4len'), 16);
    }
    const place = PLACES[field];
    if (place === undefined) return this.measure(measureNamed(field));
    const bits = slice(this.measure(place[0]), place[1], fieldBits(field, 'v4'));
    return whereReadable(words, bits, this.measure('l4len'), transportNeed(field) ?? 0);
  }

  #state(test: Opaque): Ref {
    if (test.name !== 'ctstate') throw new Error(`test ${test.name}`);
    return this.bdd.anyOf(
      BASE_STATES.map((state, i) =>
        test.states.includes(state) ? this.words.within(this.state(), BigInt(i), BigInt(i)) : FALSE,
      ),
    );
  }

  /** What falls through the chain of what comes `here`. */
  walk({ name, rules }: Chain, here: Ref): Ref {
    const { bdd } = this;
    let back: Ref = FALSE;
    rules.forEach((rule, i) => {
      const { yes, no, hot } = meaningOf(ruleCondition(rule), this.#reading);
      const hit = bdd.and(here, yes);
      const missed = bdd.and(here, no);
      this.#decide(`${name} ${i + 1} at once`, bdd.and(here, hot));
      const { effect } = rule.target;
      here = missed;
      switch (effect.kind) {
        case 'accept':
        case 'drop':
        case 'reject':
          return this.#decide(`${name} ${i + 1}`, hit);
        case 'return':
          back = bdd.or(back, hit);
          return;
        case 'jump': {
          const target = findChain(this.ruleset.tables[0], effect.chain);
          const through = target === undefined ? hit : this.walk(target, hit);
          if (effect.goto) back = bdd.or(back, through);
          else here = bdd.or(missed, through);
          return;
        }
        case 'continue':
        case 'log':
        case 'mark':
        case 'opaque':
          here = bdd.or(missed, hit);
      }
    });
    return bdd.or(here, back);
  }

  #decide(key: string, packets: Ref): void {
    if (packets !== FALSE) this.decided.set(key, this.bdd.or(this.decided.get(key) ?? FALSE, packets));
  }

  /** A region of the other method, over single bits. */
  translate(space: PacketSpace, region: Node): Ref {
    const known = new Map<Node, Ref>();
    const walk = (node: Node): Ref => {
      if (node < 0) return valueOf(node) === 0 ? FALSE : TRUE;
      const before = known.get(node);
      if (before !== undefined) return before;
      const meaning = space.meaningOf(space.diagrams.variableOf(node));
      const bits =
        meaning.kind === 'input'
          ? this.state()
          : slice(this.measure(meaning.measure), meaning.segment.shift, meaning.segment.bits);
      let lo = 0;
      let sum: Ref = FALSE;
      space.diagrams.highsOf(node).forEach((hi, i) => {
        const child = walk(space.diagrams.childrenOf(node)[i]);
        sum = this.bdd.or(sum, this.bdd.and(this.words.within(bits, BigInt(lo), BigInt(hi)), child));
        lo = hi + 1;
      });
      known.set(node, sum);
      return sum;
    };
    return walk(region);
  }
}

function measureNamed(field: Field): Measure {
  const found = MEASURE_ORDER.find((measure) => measure === field);
  if (found === undefined) throw new Error(`field ${field}`);
  return found;
}

describe('two methods', () => {
  it.each([
    { rules: 30, seed: 1 },
    { rules: 12, seed: 2 },
    { rules: 500, seed: 4 },
  ])(
    'say the same of every packet of $rules rules (seed $seed)',
    ({ rules, seed }) => {
      const { ruleset, diagnostics } = parseDump(dumpOf(new Random(seed), rules), { family: 'v4' });
      expect(diagnostics).toEqual([]);
      const question = new Question(ruleset, { table: 'filter', chain: 'INPUT' }, []);
      const everything = question.packets(ALWAYS);
      const bitwise = new Bitwise(ruleset);
      const chain = findChain(ruleset.tables[0], 'INPUT');
      if (chain === undefined) throw new Error('no chain');
      const feasible = bitwise.bdd.and(
        bitwise.translate(question.space, everything),
        bitwise.words.within(bitwise.state(), 0n, 4n),
      );
      const policy = bitwise.walk(chain, feasible);
      const parts = question.parts(everything);
      const told = new Map(
        parts.map(({ deciding, region }) => {
          const who = deciding.rule === undefined ? 'policy' : `${deciding.chain} ${deciding.rule}`;
          const key = deciding.hotdrop ? `${who} at once` : who;
          return [key, bitwise.bdd.and(bitwise.translate(question.space, region), feasible)] as const;
        }),
      );
      expect(told.size).toBe(parts.length);
      const want = new Map([...bitwise.decided, ...(policy === FALSE ? [] : [['policy', policy] as const])]);
      expect([...told.keys()].sort()).toEqual([...want.keys()].sort());
      for (const [key, region] of want) expect(told.get(key), key).toBe(region);
    },
    60_000,
  );
});
