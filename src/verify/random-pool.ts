import { printAddress } from '../../grammar/modules/value/address.js';
import type { Family } from '../../grammar/model/family.js';
import type { Random } from './random.js';

const BITS = { v4: 32, v6: 128 } as const;
const BASES: Readonly<Record<Family, readonly bigint[]>> = {
  v4: [0x0a000000n, 0xc0a80100n, 0xc6336400n, 0xac100000n],
  v6: [0x20010db8n << 96n, (0x20010db8n << 96n) | (0xan << 64n), 0xfdn << 120n],
};

/** The few values that a ruleset's rules are made of. */
export class Pool {
  private readonly addresses: readonly bigint[];
  private readonly ports: readonly number[];
  private readonly marks: readonly number[];
  private readonly macs: readonly string[];

  constructor(
    private readonly family: Family,
    private readonly random: Random,
  ) {
    const base = random.pick(BASES[family]);
    // Neighbours in one network, so that prefixes and ranges of them overlap.
    this.addresses = Array.from({ length: 5 }, () => base | random.bits(random.pick([4, 8, 12])));
    this.ports = Array.from({ length: 6 }, () =>
      random.pick([22, 53, 80, 443, random.below(1024), random.below(65536)]),
    );
    this.marks = Array.from({ length: 3 }, () => random.pick([0, 1, random.below(256), random.word()]));
    this.macs = Array.from({ length: 2 }, () => `02:00:00:00:${this.hexByte()}:${this.hexByte()}`);
  }

  private hexByte(): string {
    return this.random.below(256).toString(16).padStart(2, '0').toUpperCase();
  }

  private print(address: bigint): string {
    return printAddress(address, this.family);
  }

  /** An address with a prefix length or an odd mask. */
  network(): string {
    const { random, family } = this;
    const bits = BITS[family];
    const address = random.chance(0.08) ? random.bits(bits) : random.pick(this.addresses);
    const dice = random.below(10);
    if (dice < 3) return this.print(address);
    if (dice < 9)
      return `${this.print(address)}/${random.chance(0.8) ? bits - random.below(13) : random.below(bits + 1)}`;
    return `${this.print(address)}/${this.print(this.oddMask())}`;
  }

  private oddMask(): bigint {
    const { random, family } = this;
    const all = (1n << BigInt(BITS[family])) - 1n;
    const hole = 1n << BigInt(random.below(BITS[family]));
    return random.chance(0.5) ? all ^ hole : all ^ random.bits(random.pick([3, 9])) ^ hole;
  }

  addressRange(): string {
    const { random } = this;
    const [a, b] = [random.pick(this.addresses), random.pick(this.addresses) + BigInt(random.below(3))];
    return a < b ? `${this.print(a)}-${this.print(b)}` : `${this.print(b)}-${this.print(a)}`;
  }

  port(): number {
    return this.random.chance(0.1) ? this.random.pick([0, 65535]) : this.random.pick(this.ports);
  }

  /** A port, or a range with ends in the pool. */
  portRange(): string {
    const [a, b] = [this.port(), this.port()].sort((x, y) => x - y);
    return this.random.chance(0.6) || a === b ? String(a) : `${a}:${b}`;
  }

  /** As multiport takes it: 15 places, a range takes two. */
  portList(): string {
    const { random } = this;
    return Array.from({ length: 1 + random.below(7) }, () => this.portRange()).join(',');
  }

  /** A name, or the beginning of names. */
  device(): string {
    return this.random.pick(['eth0', 'eth0', 'eth1', 'eth+', 'eth', 'e+', 'wlan0', 'ppp+', '+', 'lo']);
  }

  markValue(): string {
    return `0x${this.random.pick(this.marks).toString(16)}`;
  }

  /** A value, or a value under a mask. */
  mark(): string {
    const mask = this.random.pick([0xff, 0xff00, 0xf0f, 0xffffffff, 0]);
    return this.random.chance(0.6) ? this.markValue() : `${this.markValue()}/0x${mask.toString(16)}`;
  }

  mac(): string {
    return this.random.pick(this.macs);
  }
}
