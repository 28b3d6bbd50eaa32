import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';

/** The words that the marks of the diagnostics stand under, with code and hint, for one line of a filter table. */
function faults(line: string): readonly string[] {
  const text = `*filter\n:mine - [0:0]\n${line}\nCOMMIT\n`;
  return parseDump(text, { family: 'v4' }).diagnostics.map((one) => {
    const marked = text.split('\n')[one.line - 1].slice(one.column - 1, one.column - 1 + one.length);
    return `${marked} [${one.code}] ${one.hint ?? '-'}`;
  });
}

describe('marks and hints', () => {
  it.each([
    {
      name: 'a mistyped option',
      line: '-A INPUT -p tcp --dprot 22',
      want: '--dprot [unknown-option] did you mean --dport?',
    },
    {
      name: 'a mistyped option of a module that is not loaded',
      line: '-A INPUT --ctsate NEW',
      want: '--ctsate [unknown-option] did you mean --ctstate of -m conntrack?',
    },
    {
      name: 'an option of a module that is not loaded',
      line: '-A INPUT -p tcp --ctstate NEW',
      want: '--ctstate [unknown-option] it belongs to -m conntrack, which must stand before it',
    },
    {
      name: 'an option by the end of its name',
      line: '-A INPUT -m time --days Mon',
      want: '--days [unknown-option] did you mean --weekdays?',
    },
    {
      name: 'too few words',
      line: '-A INPUT -p tcp --tcp-flags SYN',
      want: '--tcp-flags [missing-argument] write --tcp-flags mask comp',
    },
    {
      name: 'a mistyped service',
      line: '-A INPUT -p tcp --dport htpp',
      want: 'htpp [bad-value] did you mean http?',
    },
    {
      name: 'a unit that is none',
      line: '-A INPUT -m limit --limit 5/sce',
      want: '5/sce [bad-value] the units are /second, /minute, /hour and /day',
    },
    {
      name: 'words without quotes',
      line: '-A INPUT -m comment --comment two words',
      want: 'words [bad-argument] if it belongs to "two", put both in one pair of double quotes',
    },
    {
      name: 'a match of the other family',
      line: '-A INPUT -m eui64',
      want: 'eui64 [wrong-family] the rules are read as IPv4; are they IPv6 ones (--family v6)?',
    },
    {
      name: 'a quote that is never closed',
      line: '-A INPUT -m comment --comment "x',
      want: '"x [open-quote] close it with "',
    },
    {
      name: 'a chain for -g that is not declared',
      line: '-A INPUT -g nowhere',
      want: 'nowhere [unknown-chain] declare the chain before its first use: ":nowhere - [0:0]"',
    },
    { name: 'a mistyped COMMIT', line: 'COMIT', want: 'COMIT [bad-argument] did you mean COMMIT?' },
    {
      name: 'an option of several protocols',
      line: '-A INPUT --dport 22',
      want: '--dport [unknown-option] it belongs to -p dccp, -p sctp, -p tcp, -p udp, which must stand before it',
    },
    {
      name: 'a mistyped match',
      line: '-A INPUT -m contrack',
      want: 'contrack [unknown-match] did you mean conntrack?',
    },
    { name: 'a mistyped target', line: '-A INPUT -j DORP', want: 'DORP [unknown-target] did you mean DROP?' },
    { name: 'a mistyped chain', line: '-A INPUT -j miin', want: 'miin [unknown-target] did you mean mine?' },
    { name: 'a mistyped protocol', line: '-A INPUT -p tpc', want: 'tpc [bad-protocol] did you mean tcp?' },
    {
      name: 'a mistyped value',
      line: '-A INPUT -j REJECT --reject-with tcp-rest',
      want: 'tcp-rest [bad-value] did you mean tcp-reset?',
    },
    {
      name: 'a mistyped value in a list',
      line: '-A INPUT -m conntrack --ctstate NEW,ESTABLISED',
      want: 'NEW,ESTABLISED [bad-value] did you mean ESTABLISHED?',
    },
    {
      name: 'a mistyped ICMP type',
      line: '-A INPUT -p icmp --icmp-type echo-requets',
      want: 'echo-requets [bad-value] did you mean echo-request?',
    },
    {
      name: 'a mistyped level',
      line: '-A INPUT -j LOG --log-level debgu',
      want: 'debgu [bad-value] did you mean debug?',
    },
    {
      name: 'a mistyped flag',
      line: '-A INPUT -p tcp --tcp-flags SYN,AKC SYN',
      want: 'SYN,AKC SYN [bad-value] did you mean ACK?',
    },
    {
      name: 'a list of ports',
      line: '-A INPUT -p tcp --dport 80,443',
      want: '80,443 [bad-value] lists are for -m multiport: --sports, --dports, --ports',
    },
    {
      name: 'a MAC address of another system',
      line: '-A INPUT -m mac --mac-source 00-11-22-33-44-5A',
      want: '00-11-22-33-44-5A [bad-value] write 00:11:22:33:44:5A',
    },
    {
      name: 'an option in place of a value',
      line: '-A INPUT -m limit --limit --limit-burst',
      want: '--limit-burst [bad-value] "--limit" lacks its value: "--limit-burst" is taken for it',
    },
    {
      name: 'the interface of the other side',
      line: '-A OUTPUT -i eth0',
      want: 'eth0 [interface-at-hook] -o names the interface that it leaves by',
    },
    {
      name: 'a long option with one dash',
      line: '-A INPUT -p tcp -j mine -sport',
      want: '-sport [glued-argument] write -s port, or --sport if you meant that',
    },
    { name: 'a dash of typography', line: '-A INPUT –j DROP', want: '–j [bad-argument] write -j' },
    {
      name: 'two dashes of typography',
      line: '-A INPUT —protocol tcp',
      want: '—protocol [bad-argument] write --protocol',
    },
    {
      name: 'quotes of typography',
      line: '-A INPUT -m comment --comment “a b”',
      want: 'b” [bad-argument] only straight double quotes (") keep words together',
    },
    {
      name: 'a line of a script',
      line: 'iptables -A INPUT -j DROP',
      want: 'iptables [bad-argument] a line of a dump begins with -A CHAIN',
    },
    {
      name: 'a wrong table',
      line: '-A INPUT -j DNAT --to-destination 1.1.1.1',
      want: 'DNAT [wrong-table] it can stand in nat',
    },
    {
      name: 'a wrong hook',
      line: '-A INPUT -m owner --uid-owner 0',
      want: 'owner [wrong-hook] it can stand in OUTPUT, POSTROUTING and in chains reached from these alone',
    },
    {
      name: 'a hook that an option does not allow',
      line: '-A INPUT -m addrtype --src-type LOCAL --limit-iface-out',
      want: 'addrtype [wrong-hook] it can stand in FORWARD, OUTPUT, POSTROUTING and in chains reached from these alone',
    },
    {
      name: 'options that do not go together',
      line: '-A INPUT -p udp -j REJECT --reject-with tcp-reset',
      want: '--reject-with [module-check] -',
    },
  ])('$name', ({ line, want }) => expect(faults(line)[0]).toBe(want));

  it('names the module of a check and the option it is about', () => {
    const [fault] = parseDump('*filter\n-A INPUT -p udp -j REJECT --reject-with tcp-reset\nCOMMIT\n').diagnostics;
    expect(fault.message).toBe('REJECT: --reject-with tcp-reset needs -p tcp');
  });

  it.each([
    { line: '-m tcp --dport 1', want: ['match tcp needs -p tcp', undefined] },
    { line: '-p udp -m tcp --dport 1', want: ['match tcp needs -p tcp', 'the rule has -p udp'] },
    { line: '! -p tcp -m tcp --dport 1', want: ['match tcp needs -p tcp', 'the rule has ! -p tcp'] },
  ])('names the protocol that a match needs: $line', ({ line, want }) => {
    const [fault] = parseDump(`*filter\n-A INPUT ${line}\nCOMMIT\n`, { family: 'v4' }).diagnostics;
    expect([fault.message, fault.hint]).toEqual(want);
  });

  it('says nothing of options that may still come where reading stopped', () => {
    expect(faults('-A INPUT -j IDLETIMER --timeout')).toEqual(['--timeout [missing-argument] write --timeout number']);
  });

  it('finds every fault of a file', () => {
    const text = '*filter\n-A INPUT -j DORP\n-A INPUT -m nope\n-A INPUT -p tcp --dport x --sport y\nCOMMIT\n';
    expect(parseDump(text).diagnostics.map(({ line, code }) => `${line} ${code}`)).toEqual([
      '2 unknown-target',
      '3 unknown-match',
      '4 bad-value',
      '4 bad-value',
    ]);
  });
});

describe('names beside iptables', () => {
  const line = '*filter\n-A INPUT -m set --match-set foo src\nCOMMIT\n';
  it.each([
    { name: 'are not asked for in a dump', options: {}, want: [] },
    { name: 'are where they are said to be', options: { sets: ['foo'] }, want: [] },
    {
      name: 'must be there where all are said',
      options: { sets: ['bar'] },
      want: ['--match-set: there is no set "foo"'],
    },
  ])('IP sets $name', ({ options, want }) => {
    expect(parseDump(line, options).diagnostics.map(({ message }) => message)).toEqual(want);
  });
});
