import { expect, it } from 'vitest';
import { generatePackets } from '../../../src/verify/generate.js';
import { verify } from '../../../src/verify/verify.js';
import { parseDump } from '../../../grammar/index.js';

/** A packet comes to the second rule of A three times, and each time another answer may be given. */
const TEXT = `*filter
:INPUT DROP [0:0]
:A - [0:0]
-A INPUT -j A
-A INPUT -p tcp -j A
-A INPUT -j A
-A INPUT -p udp -j ACCEPT
-A A -p icmp -j RETURN
-A A -m statistic --mode random --probability 0.5
-A A -m statistic --mode random ! --probability 0.5 -j RETURN
COMMIT
`;

it('a rule with chance that a packet comes to several times may be counted any number of times', async () => {
  const { ruleset } = parseDump(TEXT, { family: 'v4' });
  const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: 200, seed: 5 });
  const result = await verify(ruleset, TEXT, packets, { chain: 'INPUT', hook: 'xdp', engines: ['interpreter'] });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  expect(result.engines[0].mismatches).toEqual([]);
});
