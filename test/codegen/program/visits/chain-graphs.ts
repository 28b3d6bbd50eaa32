import type { Random } from '../../../../src/verify/random.js';
import { filterText } from '../rulesets.js';

const TESTS = [
  '',
  '',
  '-s 10.0.0.0/8 ',
  '! -s 10.0.0.0/9 ',
  '-d 192.0.2.0/25 ',
  '-p tcp ',
  '-p udp ',
  '! -p tcp ',
  '-p tcp -m tcp --dport 0:1023 ',
  '-p udp -m udp --sport 1024:65535 ',
  '-p tcp -m tcp --tcp-flags SYN,ACK SYN ',
];
const ENDS = ['-j RETURN', '-j RETURN', '-j DROP', '-j ACCEPT', '-j REJECT', '', '', ''];
/** Rules for which a chain is run at each visit. */
const UNLIKE = ['-j LOG --log-prefix "deep "', '-m limit --limit 5/sec -j RETURN', '-m limit --limit 5/sec -j DROP'];

export interface ChainGraph {
  readonly chain: 'INPUT' | 'FORWARD' | 'OUTPUT';
  readonly chains: number;
  /** Most rules of a chain, beside its jumps. */
  readonly rules: number;
  /** Share of rules that log or remember. */
  readonly unlike: number;
}

/** Rulesets whose chains jump (and go) to one another at many places, each to later ones. */
export function chainGraph(random: Random, { chain, chains, rules, unlike }: ChainGraph): string {
  const names = Array.from({ length: chains }, (_, index) => `C${index}`);
  const lines = [chain, ...names].flatMap((from, index) => {
    const behind = names.slice(index);
    return Array.from({ length: 2 + random.below(rules) }, () => {
      const test = random.pick(TESTS);
      const near = behind.slice(0, 4);
      if (near.length > 0 && random.chance(0.4))
        return `-A ${from} ${test}-${random.chance(0.2) ? 'g' : 'j'} ${random.pick(near)}`;
      if (random.chance(unlike)) return `-A ${from} ${test}${random.pick(UNLIKE)}`;
      // What decides is met rarely, or no packet would come far.
      const host = random.chance(0.7) ? `-d 192.0.2.${random.below(8)} ` : '';
      return `-A ${from} ${host}${test.startsWith('-d') && host !== '' ? '' : test}${random.pick(ENDS)}`;
    });
  });
  return filterText({ policy: random.pick(['ACCEPT', 'DROP']), userChains: names, rules: lines });
}
