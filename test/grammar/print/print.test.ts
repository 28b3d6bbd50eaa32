import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDump, printAddress, printDump } from '../../../grammar/index.js';

const DUMP = `*filter
:INPUT DROP [12:3456]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:Zulu - [0:0]
:alpha - [0:0]
[5:300] -A INPUT -s 10.0.0.0/8 -i eth0 -p tcp -m tcp --dport 22 -m comment --comment "it\\'s \\"mine\\"" -j ACCEPT
-A INPUT -g alpha
-A FORWARD ! -s 192.0.2.0/24 ! -o br+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A Zulu
-A alpha -f -j LOG --log-prefix "two words "
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
`;

describe('canonical text', () => {
  it('of a canonical dump is the dump', () => {
    const { ruleset, diagnostics } = parseDump(DUMP);
    expect(diagnostics).toEqual([]);
    expect(printDump(ruleset)).toBe(DUMP);
  });

  it('has the chains in the order of iptables-save', () => {
    const shuffled = DUMP.replace(':Zulu - [0:0]\n:alpha - [0:0]\n', ':alpha - [0:0]\n:Zulu - [0:0]\n').replace(
      /(:INPUT DROP.*\n)(:FORWARD.*\n)/,
      '$2$1',
    );
    expect(printDump(parseDump(shuffled).ruleset)).toBe(DUMP);
  });
});

const address = fc
  .tuple(
    fc.nat(0xffffffff),
    fc.oneof(
      fc.nat(32),
      fc.nat(0xffffffff).map((mask) => printAddress(BigInt(mask), 'v4')),
    ),
  )
  .map(([bits, mask]) => `${printAddress(BigInt(bits), 'v4')}/${mask}`);
const name = fc.string({ unit: fc.constantFrom(...'abz09.:@_+-é/ '), minLength: 1, maxLength: 7 });
const text = fc.string({ unit: fc.constantFrom(...`ab "'\\#!-:`), maxLength: 20 });
const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`;
const port = fc.nat(65535);
const option = (inverted: boolean, ...words: readonly string[]): string =>
  [...(inverted ? ['!'] : []), ...words].join(' ');

const head = fc.tuple(
  fc.option(fc.tuple(fc.boolean(), address).map(([inverted, value]) => option(inverted, '-s', value))),
  fc.option(fc.tuple(fc.boolean(), address).map(([inverted, value]) => option(inverted, '--dst', value))),
  fc.option(fc.tuple(fc.boolean(), name).map(([inverted, value]) => option(inverted, '-i', quoted(value)))),
  fc.option(fc.boolean().map((inverted) => option(inverted, '-f'))),
);
const body = fc.oneof(
  fc.constant(''),
  fc.tuple(fc.boolean(), port).map(([inverted, value]) => `-p tcp ${option(inverted, '--dport', String(value))}`),
  fc.tuple(port, port).map(([a, b]) => `-p UDP --sport ${Math.min(a, b)}:${Math.max(a, b)}`),
  fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 255 }))
    .map(([inverted, value]) => option(inverted, '-p', String(value))),
);
const comment = fc.option(text.map((value) => `-m comment --comment ${quoted(value)}`));
const unknown = fc.option(text.map((value) => `-m geoip --source-country ${quoted(value)}`));
const target = fc.constantFrom(
  '',
  '-j ACCEPT',
  '-g mine',
  '-j mine',
  '-j LOG --log-prefix "a b"',
  '-j TARPIT --tarpit',
);
const rule = fc
  .tuple(head, body, comment, unknown, target)
  .map(([heads, ...rest]) => ['-A INPUT', ...heads, ...rest].filter((part) => part !== null).join(' '));

describe('printing and reading', () => {
  it('gives what it was given: print ∘ parse is the identity on what print gives', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), (rules) => {
        const dump = ['*filter', ':mine - [0:0]', ...rules, 'COMMIT', ''].join('\n');
        const first = parseDump(dump);
        expect(first.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
        const printed = printDump(first.ruleset);
        const second = parseDump(printed);
        expect(printDump(second.ruleset)).toBe(printed);
        const meaning = ({ ruleset }: typeof first): unknown =>
          ruleset.tables[0].chains.map((chain) =>
            chain.rules.map((each) => [each.head, each.matches.map(({ condition }) => condition), each.target.effect]),
          );
        expect(meaning(second)).toEqual(meaning(first));
      }),
      { numRuns: 300 },
    );
  });
});
