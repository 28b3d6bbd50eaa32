/** Programs in the place of tables of iptables other than filter. */
import { describe, expect, it } from 'vitest';
import { attach } from '../../../src/live/attach.js';
import { detach, replace } from '../../../src/live/replace.js';
import { readStatus } from '../../../src/live/status.js';
import { able, objectOf, ownRules, pinned, withHost } from './support.js';

const FILTER = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp --dport 3 -j REJECT
COMMIT
`;
const raw = (port: number): string => `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp --dport ${port} -j DROP
COMMIT
`;

describe.skipIf(!able)('a ruleset for table raw (skipped without root, nft or iptables)', () => {
  it('is attached, replaced and detached beside one for table filter, whose rules of iptables stay', () => {
    withHost(({ base, inside, verdicts }) => {
      inside(() => attach(objectOf(FILTER), { base, devices: [] }));
      const rules = inside(ownRules);
      expect(rules).not.toEqual([]);
      expect(verdicts()).toEqual(['accept', 'accept', 'accept', 'reject']);
      inside(() => attach(objectOf(raw(1), { table: 'raw' }), { base, devices: [] }));
      const states = (): readonly string[] =>
        readStatus(base).deployments.map(({ record, places }) =>
          [record.name, ...places.map(({ words, state }) => `${words}: ${state}`)].join(', '),
        );
      expect(inside(states)).toEqual([
        'filter-v4, netfilter INPUT: attached, netfilter FORWARD: attached, netfilter OUTPUT: attached',
        'raw-v4, netfilter PREROUTING, table raw: attached, netfilter OUTPUT, table raw: attached',
      ]);
      // What is dropped in front of table filter does not come to it.
      expect(verdicts()).toEqual(['accept', 'stack', 'accept', 'reject']);
      inside(() => replace(objectOf(raw(2), { table: 'raw' }), { base, name: 'raw-v4' }));
      expect(verdicts()).toEqual(['accept', 'accept', 'stack', 'reject']);
      expect(inside(ownRules)).toEqual(rules);
      inside(() => detach({ base, name: 'raw-v4' }));
      expect(verdicts()).toEqual(['accept', 'accept', 'accept', 'reject']);
      expect(inside(ownRules)).toEqual(rules);
      inside(() => detach({ base }));
      expect(inside(ownRules)).toEqual([]);
      expect(pinned(base)).toEqual([]);
    });
  });
});
