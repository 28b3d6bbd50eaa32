/** Chains that are called where rules are looked up in diagrams: what is not proved of them is not proved. */
import { expect, it } from 'vitest';
import { prove } from '../../../../src/prove/prove.js';
import { filterDump, jobOf } from '../support.js';

/** So many that the chain has a function of its own. */
const CALLED = [
  ...Array.from({ length: 12 }, (_, i) => `-A web -s 10.9.${i}.0/24 -p tcp --dport ${300 + i} -j ACCEPT`),
  '-A web -m statistic --mode nth --every 3 --packet 1 -j ACCEPT',
  '-A web -j DROP',
];

const RULES = [
  '-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT',
  '-A INPUT -s 10.1.0.0/16 -p tcp --dport 80:90 -j DROP',
  '-A INPUT -d 192.0.2.7/32 -j web',
  '-A INPUT -s 198.51.100.0/24 -p tcp --dport 1024:65535 -j ACCEPT',
  '-A INPUT -s 203.0.113.9/32 -j DROP',
  '-A INPUT -p tcp -m multiport --dports 25,110,143 -j DROP',
  '-A INPUT -p icmp --icmp-type 8 -j ACCEPT',
  '-A INPUT -s 172.16.0.0/12 -d 192.0.2.0/25 -j ACCEPT',
  '-A INPUT -d 192.0.2.9/32 -p udp -j web',
];

it.each(['dag', 'linear'] as const)('a called chain with a test that is not proved (engine %s)', (engine) => {
  const text = filterDump([...RULES, ...CALLED], 'DROP', ['web']);
  expect(prove(jobOf(text, { hook: 'xdp', chain: 'INPUT', engine })).kind).toBe('not-proved');
});
