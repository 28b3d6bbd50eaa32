import { describe, expect, it } from 'vitest';
import type { BuiltinChain } from '../../../grammar/model/family.js';
import { evaluate, surroundingsOracle } from '../../../src/evaluate/index.js';
import { filterTable, packetOf, short } from './helpers.js';

interface Row {
  readonly name: string;
  readonly rules: readonly string[];
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly chain?: BuiltinChain;
  readonly packet: string;
  readonly want: string;
}

function run({ rules, policy, chain = 'INPUT', packet }: Row): string {
  const { packet: frame, family, surroundings } = packetOf(packet);
  const ruleset = filterTable(family, rules, policy);
  const oracle = surroundingsOracle(surroundings, frame, family);
  return short(evaluate({ ruleset, table: 'filter', chain, packet: frame, oracle }));
}

/** A test for each row: what the reference says of the packet, in short. */
export function rows(title: string, table: readonly Row[]): void {
  describe(title, () => {
    it.each(table)('$name', (row) => {
      expect(run(row)).toBe(row.want);
    });
  });
}

export const TCP = 'tcp 198.51.100.7:4000 > 192.0.2.1:22';
export const UDP = 'udp 198.51.100.7:4000 > 192.0.2.1:53';
export const PING = 'icmp 198.51.100.7 > 192.0.2.1';
export const TCP6 = 'tcp [2001:db8::7]:4000 > [2001:db8::1]:22';
export const SSH = '-A INPUT -p tcp --dport 22 -j ACCEPT';
