import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { reportText } from '../../../src/verify/report.js';
import { verifyNetfilter } from '../../../src/verify/verify-netfilter.js';
import { ENGINES, ENGINES_HERE } from '../../support/machine.js';

const PACKETS = 1500;
const SEED = 1;

function table(...rules: readonly string[]): string {
  return ['*filter', ':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );
}

describe(`whole tables at netfilter (${ENGINES_HERE})`, () => {
  it.each([
    {
      name: 'which addresses are local',
      have: table(
        '-A INPUT -m addrtype --dst-type LOCAL -m udp -p udp -j ACCEPT',
        '-A INPUT -m addrtype ! --dst-type UNICAST -j ACCEPT',
        '-A FORWARD -m addrtype --dst-type UNICAST -p tcp -j ACCEPT',
      ),
    },
    {
      name: 'owners, where no packet has one',
      have: table(
        '-A OUTPUT -m owner --uid-owner 1000 -j ACCEPT',
        '-A OUTPUT -m owner ! --socket-exists -p tcp -j DROP',
        '-A OUTPUT -m owner ! --gid-owner 0 -j REJECT',
      ),
    },
    {
      name: 'limits and lists between states and local addresses',
      have: table(
        '-N checked',
        '-N noted',
        '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        '-A INPUT -m conntrack --ctstate INVALID -j noted',
        '-A INPUT -m addrtype --dst-type LOCAL -j checked',
        '-A INPUT -m limit --limit 3/min --limit-burst 10 -j noted',
        '-A noted -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[blocked] "',
        '-A checked -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name ssh --rsource',
        '-A checked -p tcp -m tcp --dport 22 -m recent --update --seconds 30 --hitcount 6 --name ssh --rsource -j DROP',
        '-A checked -p tcp -m multiport --dports 22,80,443 -j ACCEPT',
      ),
    },
  ])(
    '$name: no mismatches',
    async ({ have }) => {
      const { ruleset, diagnostics } = parseDump(have, { family: 'v4' });
      expect(diagnostics).toEqual([]);
      const result = await verifyNetfilter(ruleset, have, { engines: ENGINES, count: PACKETS, seed: SEED });
      if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
      const { engines, job, equal } = result;
      expect(engines.every(({ packets }) => packets > 0)).toBe(true);
      expect(equal ? '' : reportText({ job, engines, seed: SEED, elapsed: 0 })).toBe('');
    },
    60_000,
  );
});
