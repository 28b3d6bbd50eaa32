/** What LOG rules match is read on while rulesets are replaced and go. */
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../codegen/program/manifest.js';
import { EventReader } from '../../../src/events/decode.js';
import { attach } from '../../../src/live/attach.js';
import { LogRings } from '../../../src/live/log-rings.js';
import { detach, replace } from '../../../src/live/replace.js';
import { able, objectOf, withHost } from './support.js';

const logging = (...prefixes: readonly string[]): string => `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
${prefixes.map((prefix) => `-A INPUT -p udp -m udp --dport 2 -j LOG --log-prefix "${prefix}"\n`).join('')}COMMIT
`;

describe.skipIf(!able)('ring buffers of LOG rules (skipped without root, nft or iptables)', () => {
  it('are those of all generations, until they have gone', () => {
    withHost(({ base, inside, verdicts }) => {
      const rings = new LogRings(base);
      const read = (from: ReturnType<LogRings['refresh']>): readonly string[] =>
        from.flatMap(({ name, manifest, ring }) => {
          const reader = new EventReader(JSON.parse(manifest) as Manifest);
          return ring.consume().map((bytes) => `${name} ${reader.read(bytes).rule.prefix}`);
        });
      const look = (): readonly string[] => read(inside(() => rings.refresh()));
      try {
        expect(look()).toEqual([]);
        inside(() => attach(objectOf(logging()), { base, devices: [] }));
        expect(inside(() => rings.refresh())).toEqual([]);
        inside(() => replace(objectOf(logging('one')), { base }));
        verdicts();
        expect(look()).toEqual(['filter-v4 one']);
        verdicts();
        inside(() => replace(objectOf(logging('two', 'three')), { base }));
        verdicts();
        // What was replaced is read to its end.
        expect(look()).toEqual(['filter-v4 one', 'filter-v4 two', 'filter-v4 three']);
        verdicts();
        inside(() => detach({ base }));
        const last = inside(() => rings.refresh());
        expect(last).toHaveLength(2);
        expect(read(last)).toEqual(['filter-v4 two', 'filter-v4 three']);
        expect(inside(() => rings.refresh())).toEqual([]);
      } finally {
        rings.close();
      }
    });
  }, 20_000);
});
