import { expect, it } from 'vitest';
import { equals } from '../../../../grammar/model/condition.js';
import { Bdd, not } from '../../../../src/prove/bdd.js';
import { Dimensions } from '../../../../src/prove/table/dimensions.js';
import { Variables } from '../../../../src/prove/variables.js';

it('says in their order of which numbers a number that is turned round speaks', () => {
  const variables = new Variables(new Bdd());
  const dimensions = new Dimensions((field) => variables.word(field, 16));
  dimensions.hullOf(equals('dport', 1));
  const turned = variables.word('dport', 16).map(not);
  const limit = dimensions.limit(turned, [
    [1, 1],
    [3, 3],
  ]);
  expect(limit?.ranges).toEqual([
    [0xfffc, 0xfffc],
    [0xfffe, 0xfffe],
  ]);
});
