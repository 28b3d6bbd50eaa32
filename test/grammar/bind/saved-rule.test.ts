import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModuleBinder } from '../../../grammar/bind/bind-module.js';
import { ModuleRegistry } from '../../../grammar/bind/registry.js';
import { SavedRuleReader } from '../../../grammar/bind/saved-rule.js';
import { bind, parseDump, readLines, type Family } from '../../../grammar/index.js';
import { MATCHES, TARGETS } from '../../../grammar/modules/index.js';
import { LineReader } from '../../../grammar/syntax/index.js';
import { plainDump, plainLines } from '../../support/plain-dump.js';
import { BODIES } from './bodies.js';

const FIXTURES = join(import.meta.dirname, '../../../fixtures/dumps');
const SHARED = process.env.IPT2BPF_SHARED ?? '';
const dumpsOf = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /\.v[46]$/.test(name))
        .map((name) => join(folder, name))
    : [];

const REGISTRIES = {
  v4: new ModuleRegistry('v4', MATCHES, TARGETS),
  v6: new ModuleRegistry('v6', MATCHES, TARGETS),
};

/** Whether a line of table filter is read by the short way. */
function isTaken(text: string, family: Family): boolean {
  const surroundings = {
    registry: REGISTRIES[family],
    family,
    table: 'filter',
    chains: new Set(['INPUT', 'OUTPUT', 'mine']),
    isBuiltin: (chain: string) => chain === 'INPUT' || chain === 'OUTPUT',
  } as const;
  const lines = new LineReader(text);
  lines.next();
  return new SavedRuleReader(text, surroundings, new ModuleBinder()).read(lines) !== undefined;
}

describe('the short way to a rule', () => {
  it.each<{ text: string; family?: Family }>([
    { text: '-A INPUT\n' },
    { text: '-A INPUT -j mine\n' },
    { text: '-A INPUT -g mine' },
    { text: '[12:3456] -A INPUT -s 10.0.0.0/8 ! -d 192.0.2.1/32 -i eth+ -p tcp -m tcp --dport 22 -j ACCEPT\n' },
    { text: '-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN SYN -m comment --comment "two words" -j DROP\n' },
    { text: '-A mine -m limit --limit 3/min -j LOG --log-prefix "in: " --log-level 7\n' },
    { text: '-A INPUT  -p tcp -m conntrack --ctstate NEW\t-j REJECT --reject-with tcp-reset \n' },
    { text: '-A INPUT -s 2001:db8::/32 -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT\n', family: 'v6' },
  ])('takes $text', ({ text, family = 'v4' }) => expect(isTaken(text, family)).toBe(true));

  it.each<{ name: string; text: string; family?: Family }>([
    { name: 'another command', text: '-I INPUT -j ACCEPT' },
    { name: 'a chain that is not declared', text: '-A other -j ACCEPT' },
    { name: 'a long option of iptables itself', text: '-A INPUT --source 10.0.0.1' },
    { name: 'a list of addresses', text: '-A INPUT -s 10.0.0.1,10.0.0.2' },
    { name: 'a host name', text: '-A INPUT -s localhost' },
    { name: 'an address given twice', text: '-A INPUT -s 10.0.0.1 -s 10.0.0.2' },
    { name: 'an interface that the hook does not know', text: '-A INPUT -o eth0' },
    { name: 'an odd interface', text: '-A INPUT -i "a b"' },
    { name: '! before -m', text: '-A INPUT ! -m tcp' },
    { name: '! at the end', text: '-A INPUT -m mark !' },
    { name: '! before an option that cannot be inverted', text: '-A INPUT -m limit ! --limit 3/min' },
    { name: 'an implicit match', text: '-A INPUT -p tcp --dport 22' },
    { name: 'an option of an earlier match', text: '-A INPUT -p tcp -m tcp -m mark --mark 1 --dport 22' },
    { name: 'an abbreviation', text: '-A INPUT -p tcp -m tcp --dpo 22' },
    { name: 'a glued value', text: '-A INPUT -p tcp -m tcp --dport=22' },
    { name: 'an option given twice', text: '-A INPUT -p tcp -m tcp --dport 22 --dport 23' },
    { name: 'options that exclude each other', text: '-A INPUT -p tcp -m tcp --syn --tcp-flags SYN SYN' },
    { name: 'an option without its value', text: '-A INPUT -p tcp -m tcp --dport -j ACCEPT' },
    { name: 'a value with a dash', text: '-A INPUT -m comment --comment -x -j ACCEPT' },
    { name: 'a missing option', text: '-A INPUT -m mark -j ACCEPT' },
    { name: 'a match that needs -p', text: '-A INPUT -m tcp --dport 22 -j ACCEPT' },
    { name: 'a target of another table', text: '-A INPUT -j DNAT --to-destination 10.0.0.1' },
    { name: 'a module of the other family', text: '-A INPUT -m icmp6 --icmpv6-type 128' },
    { name: 'a module that is not described', text: '-A INPUT -m ndpi --http' },
    { name: 'a jump to a built-in chain', text: '-A INPUT -j OUTPUT' },
    { name: 'words behind a jump', text: '-A INPUT -j mine --log-prefix x' },
    { name: 'a match behind the target', text: '-A INPUT -j ACCEPT -m comment --comment x' },
    { name: 'an escape', text: '-A INPUT -m comment --comment "a\\"b"' },
    { name: 'an open quote', text: '-A INPUT -m comment --comment "a b' },
    { name: 'CR LF', text: '-A INPUT -j ACCEPT\r\n' },
    { name: 'a NUL', text: '-A INPUT -j ACC\0EPT' },
    { name: 'a long word', text: `-A INPUT -m comment --comment ${'x'.repeat(400)}` },
    { name: 'counters that are none', text: '[1] -A INPUT -j ACCEPT' },
    { name: 'a target that looks at the rest of the rule', text: '-A INPUT -p tcp -j TCPMSS --set-mss 1400' },
    { name: '-p of an extension header', text: '-A INPUT -p ipv6-route', family: 'v6' },
  ])('leaves $name to the long one', ({ text, family = 'v4' }) => expect(isTaken(text, family)).toBe(false));
});

describe('both ways make the same of a dump', () => {
  const dumps = [...dumpsOf(FIXTURES), ...(SHARED === '' ? [] : dumpsOf(join(SHARED, 'dumps')))];

  it.each(dumps)('%s', (file) => {
    const text = readFileSync(file, 'utf8');
    const family = file.endsWith('6') ? 'v6' : 'v4';
    expect(plainDump(parseDump(text, { family }))).toEqual(plainDump(bind(plainLines(text), { family })));
    expect(plainDump(bind(readLines(text), { family }))).toEqual(plainDump(bind(plainLines(text), { family })));
  });

  it.each(BODIES)('$name', ({ body, family = 'v4', table = 'filter' }) => {
    const text = `*${table}\n:U - [0:0]\n${body}\nCOMMIT\n`;
    expect(plainDump(parseDump(text, { family }))).toEqual(plainDump(bind(plainLines(text), { family })));
    expect(plainDump(bind(readLines(text), { family }))).toEqual(plainDump(bind(plainLines(text), { family })));
  });
});
