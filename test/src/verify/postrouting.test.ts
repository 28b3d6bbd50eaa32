import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { ENGINES } from '../../../src/verify/job.js';
import { verify } from '../../../src/verify/verify.js';
import type { Family } from '../../../grammar/model/family.js';
import { rulesetOf } from '../evaluate/helpers.js';

const able = process.geteuid?.() === 0 && hasCommand('iptables-legacy');

/** OUTPUT shares a chain with it, and drops what POSTROUTING would see. */
const dump = (hops: string): readonly string[] => [
  '*mangle',
  ...['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`),
  ':POSTROUTING DROP [0:0]',
  ':shared - [0:0]',
  '-A OUTPUT -p tcp -j shared',
  '-A OUTPUT -p udp -j DROP',
  '-A POSTROUTING ! -o eth2 -j ACCEPT',
  '-A POSTROUTING -p tcp -j shared',
  '-A POSTROUTING -p udp --dport 6000 -j DSCP --set-dscp 46',
  `-A POSTROUTING -m dscp --dscp 46 -j ${hops}`,
  '-A POSTROUTING -p udp --dport 6001 -j MARK --set-mark 5',
  '-A POSTROUTING -m mark --mark 5 -j ACCEPT',
  '-A POSTROUTING -m pkttype --pkt-type broadcast -j ACCEPT',
  '-A POSTROUTING -p udp --dport 6000:6002 -m length --length 29:100 -j ACCEPT',
  '-A shared -p tcp --syn -j TCPMSS --set-mss 700',
  '-A shared -p tcp -m tcpmss --mss 700 -j TOS --set-tos 0x04',
  '-A shared -p tcp ! --syn -j RETURN',
  '-A shared -j CLASSIFY --set-class 1:3',
  '-A shared -j ACCEPT',
  'COMMIT',
];

const CASES: readonly { readonly family: Family; readonly hops: string }[] = [
  { family: 'v4', hops: 'TTL --ttl-inc 5' },
  { family: 'v6', hops: 'HL --hl-dec 5' },
];

describe('chain POSTROUTING of table mangle at tc', () => {
  it.skipIf(!able).each(CASES)(
    'is as in iptables, for all engines: $family (skipped without root and iptables)',
    async ({ family, hops }) => {
      const lines = dump(hops);
      const ruleset = rulesetOf(family, lines);
      const place = { table: 'mangle', chain: 'POSTROUTING' } as const;
      const packets = generatePackets(ruleset, { ...place, count: 700, seed: 5 });
      const result = await verify(ruleset, `${lines.join('\n')}\n`, packets, { ...place, hook: 'tc' });
      if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
      expect(result.engines.map(({ engine }) => engine)).toEqual(ENGINES.slice(1));
      for (const { mismatches, verdicts, skipped } of result.engines) {
        expect(skipped).toBeUndefined();
        expect(mismatches).toEqual([]);
        expect(Math.min(verdicts.accept, verdicts.drop)).toBeGreaterThan(20);
      }
    },
    120_000,
  );
});
