import fc from 'fast-check';
import { buildPacket } from '../../../src/packet/index.js';
import type { Packet } from '../../../grammar/model/packet.js';
import { filterText } from './rulesets.js';

const chainName = (index: number): string => `C${index}`;

/** Chains that each jump to the next, `depth` jumps below INPUT; `last` are the rules of the last one. */
export function nestedText(depth: number, last: readonly string[], behind: readonly string[] = []): string {
  const names = Array.from({ length: depth }, (_, index) => chainName(index + 1));
  const jumps = ['INPUT', ...names].slice(0, -1).map((name, index) => `-A ${name} -j ${names[index]}`);
  return filterText({
    userChains: names,
    rules: [...jumps, ...last.map((words) => `-A ${names[depth - 1]} ${words}`), ...behind],
  });
}

const MATCHES = ['', '', '-p tcp ', '-p udp ', '! -p tcp ', '-s 10.0.0.0/8 ', '-p tcp -m tcp --dport 0:99 '];
const STATES = [
  '-m conntrack --ctstate NEW ',
  '-p tcp -m conntrack ! --ctstate ESTABLISHED,RELATED ',
  '-m state --state INVALID ',
];
const ENDS = ['-j ACCEPT', '-j DROP', '-j RETURN', '-j REJECT', '-j DROP', ''];

/**
 * Rulesets of chains that jump (and go) to later ones, up to `chains` deep, by every kind of target. `states`: some
 * rules ask for the connection's state.
 */
export function chainTexts(chains: number, states: boolean): fc.Arbitrary<string> {
  const match = states ? fc.constantFrom(...MATCHES, ...STATES) : fc.constantFrom(...MATCHES);
  const rule = fc.record({
    match,
    end: fc.constantFrom(...ENDS),
    jumps: fc.constantFrom(0, 1, 1, 2, 2),
    goto: fc.boolean(),
    far: fc.nat({ max: 3 }),
  });
  const ofChain = fc.array(rule, { minLength: 1, maxLength: 3 });
  return fc
    .record({
      policy: fc.constantFrom('ACCEPT' as const, 'DROP' as const),
      rules: fc.array(ofChain, { minLength: 2, maxLength: chains + 1, size: 'max' }),
    })
    .map(({ policy, rules }) => {
      const last = rules.length - 1;
      const names = rules.map((_, index) => (index === 0 ? 'INPUT' : chainName(index)));
      const lines = rules.flatMap((own, index) =>
        own.map(({ match: words, end, jumps, goto, far }, number) => {
          // The first rule mostly goes one deeper; a second jump of many chains would double and double what is inlined.
          const deeper = index < last && (number === 0 ? jumps + far > 0 : jumps === 2 && index % 4 === 0);
          if (!deeper) return `-A ${names[index]} ${words}${end}`;
          const target = names[number === 0 ? index + 1 : Math.min(last, index + 1 + far)];
          const always = number === 0 && far > 0;
          return `-A ${names[index]} ${always ? '' : words}${goto && number > 0 ? '-g' : '-j'} ${target}`;
        }),
      );
      return filterText({ policy, userChains: names.slice(1), rules: lines });
    });
}

const SOURCES = [0x0a000001n, 0xc6336407n];

/** Packets that tell the rules of {@link chainTexts} apart, with a TCP header that is cut off (a hotdrop). */
export const CHAIN_PACKETS: readonly Packet[] = SOURCES.flatMap((source) => {
  const ip = { family: 'v4', source, destination: 0xc0000201n } as const;
  const place = { inInterface: 'eth0' };
  return [
    buildPacket({ ip, transport: { kind: 'tcp', sport: 4000, dport: 80 } }, place),
    buildPacket({ ip, transport: { kind: 'tcp', sport: 4000, dport: 8080, payload: new Uint8Array(5) } }, place),
    buildPacket({ ip, transport: { kind: 'tcp', sport: 4000, dport: 80 }, cut: 12 }, place),
    buildPacket({ ip, transport: { kind: 'udp', sport: 4000, dport: 80 } }, place),
    buildPacket({ ip, transport: { kind: 'icmp', type: 8 }, padding: 9 }, place),
  ];
});
