import type { Random } from '../src/verify/random.js';
import type { Prefix } from './rules.js';

/** Networks that rules come back to: sites, subnets of them, hosts in these. */
export class Networks {
  private readonly hosts: readonly number[];

  constructor(
    rules: number,
    private readonly random: Random,
  ) {
    const sites = Array.from({ length: Math.max(4, Math.ceil(Math.sqrt(rules))) }, () => publicAddress(random));
    const subnets = Array.from({ length: Math.max(16, Math.ceil(rules / 8)) }, () =>
      mix(random.pick(sites), random.word(), 16 - random.below(5)),
    );
    this.hosts = Array.from({ length: Math.max(32, Math.ceil(rules / 2)) }, () =>
      mix(random.pick(subnets), random.word(), 24),
    );
  }

  prefix(length: number): Prefix {
    return cut(this.random.pick(this.hosts), length);
  }
}

/** The first bits of one number with the rest of another. */
function mix(first: number, rest: number, bits: number): number {
  const low = 2 ** (32 - bits);
  return first - (first % low) + (rest % low);
}

export function cut(address: number, length: number): Prefix {
  return { address: mix(address, 0, length), length };
}

export function publicAddress(random: Random): number {
  for (;;) {
    const address = random.word();
    const first = address >>> 24;
    if (first !== 0 && first !== 10 && first !== 127 && first < 224) return address;
  }
}
