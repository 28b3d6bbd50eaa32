/**
 * Bodies of a filter table with a chain `U`, and what iptables-legacy-save prints of them: rules and what differs from
 * that table; undefined where the body is refused, with the code that we refuse it with.
 */
export interface Body {
  readonly name: string;
  readonly body: string;
  /** Printed lines, joined with ` / `. */
  readonly want?: string;
  readonly code?: string;
  /** Line of the body, from 1, that the diagnostic is for; 1 if left out. */
  readonly line?: number;
  readonly family?: 'v4' | 'v6';
  readonly table?: string;
  /** Why the installed tool is not asked: what it does, or that it is a matter of the kernel. */
  readonly notAsked?: string;
}

const A = '-A INPUT';
const REFUSED_BEFORE = 'refused before 1.8.10';

export const BODIES: readonly Body[] = [
  // glued words, abbreviations, the end of options
  { name: 'a value glued to -j', body: `${A} -jACCEPT`, want: `${A} -j ACCEPT`, notAsked: REFUSED_BEFORE },
  { name: 'a value glued to -s', body: `${A} -s10.0.0.1`, want: `${A} -s 10.0.0.1/32`, notAsked: REFUSED_BEFORE },
  { name: 'a value glued to -i', body: `${A} -ieth0`, want: `${A} -i eth0`, notAsked: '1.8.9 reads the name -ieth0' },
  { name: 'a value glued to -p', body: `${A} -ptcp`, want: `${A} -p tcp`, notAsked: REFUSED_BEFORE },
  {
    name: '= behind a core option',
    body: `${A} --source=10.0.0.1`,
    want: `${A} -s 10.0.0.1/32`,
    notAsked: REFUSED_BEFORE,
  },
  { name: '= behind a short option', body: `${A} -p=tcp`, code: 'bad-protocol' },
  { name: '= and nothing', body: `${A} --protocol=`, code: 'bad-protocol' },
  { name: 'letters that belong together', body: `${A} -fj ACCEPT`, want: `${A} -f -j ACCEPT` },
  { name: '= behind an option of a module', body: `${A} -p tcp --dport=80`, want: `${A} -p tcp -m tcp --dport 80` },
  { name: 'a chain glued to -A', body: '-AINPUT -j ACCEPT', want: `${A} -j ACCEPT` },
  { name: '-- and a word', body: `${A} -- -j ACCEPT`, code: 'bad-argument' },
  { name: '-- at the end', body: `${A} -j ACCEPT --`, want: `${A} -j ACCEPT` },
  { name: 'a lone dash', body: `${A} - -j ACCEPT`, code: 'bad-argument' },
  { name: 'an ambiguous beginning', body: `${A} -p tcp --d 80`, code: 'ambiguous-option' },
  { name: 'a beginning of a core option', body: `${A} -p tcp --so 80`, want: `${A} -s 80.0.0.0/32 -p tcp` },
  {
    name: 'a beginning of an option still to be loaded',
    body: `${A} -p tcp --sp 80`,
    want: `${A} -p tcp -m tcp --sport 80`,
  },
  {
    name: 'two long names of one option',
    body: `${A} --source 10/8 --dst 10.1/16`,
    want: `${A} -s 10.0.0.0/8 -d 10.1.0.0/16`,
  },
  { name: 'an unknown long option', body: `${A} --nope`, code: 'unknown-option' },
  { name: 'an unknown short option', body: `${A} -q`, code: 'unknown-option' },
  { name: 'a missing word', body: `${A} -s`, code: 'missing-argument' },
  { name: 'an option for a word', body: `${A} -s -j ACCEPT`, code: 'bad-address' },

  // commands
  { name: 'no command', body: '-j ACCEPT', code: 'no-command' },
  { name: 'two commands', body: `${A} -D INPUT`, code: 'bad-command' },
  { name: '-t', body: `-t nat ${A}`, code: 'illegal-option' },
  { name: '-n', body: `${A} -n`, code: 'illegal-option' },
  { name: '-w', body: `${A} -w`, code: 'illegal-option' },
  { name: '-v', body: `${A} -v -j ACCEPT`, want: `${A} -j ACCEPT` },
  { name: '-L', body: '-L INPUT', want: '' },
  { name: '-Z of all and of one', body: '-Z\n-Z U', want: '' },
  { name: '-Z of none', body: '-Z NOPE', code: 'unknown-chain' },
  { name: '-F of none', body: '-F NOPE', code: 'unknown-chain' },
  { name: '-F of all', body: `${A}\n-A U\n-F`, want: '' },
  { name: '-I behind the end', body: '-I INPUT 2', code: 'no-such-rule' },
  { name: '-I at 0', body: '-I INPUT 0', code: 'bad-number' },
  { name: '-I at the end', body: `${A}\n-I INPUT 2 -j ACCEPT`, want: `${A} / ${A} -j ACCEPT` },
  { name: '-R without a number', body: `${A}\n-R INPUT -j DROP`, code: 'bad-command', line: 2 },
  { name: '-R of none', body: '-R INPUT 1 -j DROP', code: 'no-such-rule' },
  { name: '-R of a list', body: `${A}\n-R INPUT 1 -s 1.1.1.1,2.2.2.2`, code: 'bad-command', line: 2 },
  { name: '-D of a rule', body: `${A} -j ACCEPT\n${A} -s 10/8\n-D INPUT -s 10.0.0.0/8`, want: `${A} -j ACCEPT` },
  { name: '-D of a rule that is not there', body: `${A} -j ACCEPT\n-D INPUT -j DROP`, code: 'no-such-rule', line: 2 },
  { name: '-D of a number that is not there', body: '-D INPUT 1', code: 'no-such-rule' },
  { name: '-D of a number with a rule', body: `${A}\n-D INPUT 1 -j ACCEPT`, code: 'illegal-option', line: 2 },
  { name: '-C of a rule', body: `${A} -j ACCEPT\n-C INPUT -j ACCEPT`, want: `${A} -j ACCEPT` },
  { name: '-C of a rule that is not there', body: '-C INPUT -j ACCEPT', code: 'no-such-rule' },
  { name: '-X of a chain', body: '-X U\n-N U', want: '' },
  { name: '-X of one that is jumped to', body: `${A} -j U\n-X U`, code: 'chain-in-use', line: 2 },
  { name: '-X of one with rules', body: '-A U\n-X U', code: 'chain-in-use', line: 2 },
  { name: '-X of a built-in chain', body: '-X INPUT', code: 'chain-in-use' },
  { name: '-X of all', body: '-X\n-N U', want: '' },
  { name: '-N of one that is there', body: '-N U', code: 'chain-exists' },
  { name: '-N with a rule', body: '-N V -j ACCEPT', code: 'illegal-option' },
  { name: '-E of a built-in chain', body: '-E INPUT x', code: 'chain-in-use' },
  { name: '-E to a built-in chain', body: '-E U INPUT', code: 'chain-exists' },
  { name: '-E moves jumps', body: `${A} -g U\n-E U V\n-N U`, want: `:V - [0:0] / ${A} -g V` },
  { name: '-E without a new name', body: '-E U', code: 'bad-command' },
  { name: '-P without a policy', body: '-P INPUT', code: 'bad-command' },
  {
    name: 'counters of a policy that are none',
    body: ':INPUT DROP [1-2]',
    code: 'bad-counters',
    notAsked: '1.8.9 does not look at them',
  },
  { name: 'counters of a policy with more behind', body: ':INPUT DROP [+1:-2', want: ':INPUT DROP [0:0]' },
  { name: '-P with counters', body: '-P INPUT DROP -c 1 2', want: ':INPUT DROP [0:0]' },
  { name: '-c without bytes', body: `${A} -c 5 -j ACCEPT`, code: 'bad-number' },
  { name: '251 words', body: `${A} -i eth0 -j ACCEPT${' -v'.repeat(245)}`, want: `${A} -i eth0 -j ACCEPT` },
  { name: '252 words', body: `${A} -i eth0 -j ACCEPT${' -v'.repeat(246)}`, code: 'too-many-words' },
  { name: '-c with text behind the numbers', body: `${A} -c 1x " -2y" -j ACCEPT`, want: `${A} -j ACCEPT` },
  { name: '-c of text', body: `${A} -c a b`, code: 'bad-number' },
  { name: '-c beside -D', body: `${A}\n-D INPUT -c 1 2`, code: 'illegal-option', line: 2 },
  { name: '-6 before an unknown target', body: `${A} -6 -j NOPE`, want: '' },
  {
    name: '-6 behind an unknown target',
    body: `${A} -j NOPE -6`,
    code: 'unknown-target',
    notAsked: 'iptables looks for the target last',
  },
  { name: '-6 in the middle of a match', body: `${A} -m mark -6 --mark 1`, want: '' },
  { name: '-6 behind what is no address', body: `${A} -s 1.2.3.4.5 -6 -d x/y`, want: '' },
  { name: '-6 behind an unknown letter, with a match still to be loaded', body: `${A} -p icmp -16 x`, want: '' },
  { name: '-4 behind an unknown letter', body: `${A} -p icmp -14`, code: 'unknown-option' },
  { name: '-6 behind an unknown letter, with no match to load', body: `${A} -16`, code: 'unknown-option' },
  { name: '-6 behind two unknown letters', body: `${A} -p icmp -126`, code: 'unknown-option' },
  { name: '-6 before -N', body: '-6 -N FOO', want: '' },
  { name: '-N before -6', body: '-N FOO -6', want: ':FOO - [0:0]' },
  { name: '-4 in an IPv6 file', body: `-4 ${A} -s 1.1.1.1`, want: '', family: 'v6' },

  // inversion
  { name: '! before nothing', body: `${A} -j ACCEPT !`, code: 'bad-inversion' },
  { name: '! before -j', body: `${A} ! -j ACCEPT`, code: 'bad-inversion' },
  { name: '! before -A', body: `! ${A}`, code: 'bad-inversion' },
  { name: '! twice', body: `${A} ! ! -s 1.1.1.1`, code: 'bad-inversion' },
  { name: '! before -m', body: `${A} ! -m tcp -p tcp`, code: 'bad-inversion' },
  { name: '! behind -s', body: `${A} -s ! 1.1.1.1`, code: 'bad-inversion' },
  { name: '! behind --dport', body: `${A} -p tcp --dport ! 80`, code: 'bad-inversion' },
  { name: '! before an option that has none', body: `${A} -m comment ! --comment x`, code: 'bad-inversion' },
  { name: '! before -f', body: `${A} ! -f`, want: `${A} ! -f` },
  { name: '-M of a program', body: `${A} ! -M /bin/false -j ACCEPT`, want: `${A} -j ACCEPT` },
  { name: '! before -4', body: `${A} -p tcp ! -4 --dport 5`, want: `${A} -p tcp -m tcp --dport 5` },
  { name: '! before -6', body: `${A} ! -6 -p tcp`, want: '' },
  { name: 'CR LF alone', body: `\r\n${A}`, code: 'crlf' },
  { name: '! before -c', body: `${A} ! -c 1 2`, code: 'bad-inversion' },

  // addresses
  { name: 'a null mask behind any text', body: `${A} -s foo/0`, want: A },
  { name: 'a last part of two bytes', body: `${A} -s 10.300`, want: `${A} -s 10.0.1.44/32` },
  { name: 'a hexadecimal prefix length', body: `${A} -s 1.2.3.4/0x18`, want: `${A} -s 1.2.3.0/24` },
  { name: 'an octal prefix length', body: `${A} -s 1.2.3.4/030`, want: `${A} -s 1.2.3.0/24` },
  { name: 'a prefix length too long', body: `${A} -s 1.2.3.4/33`, code: 'bad-address' },
  { name: 'an empty piece of a list', body: `${A} -s 1.1.1.1, -j ACCEPT`, code: 'bad-address' },
  { name: 'an empty address', body: `${A} -s ""`, code: 'bad-address' },
  {
    name: 'blanks behind the comma',
    body: `${A} -s "1.1.1.1, 2.2.2.2"`,
    want: `${A} -s 1.1.1.1/32 / ${A} -s 2.2.2.2/32`,
  },
  { name: 'an IPv4 address in the form of IPv6', body: `${A} -s ::ffff:1.2.3.4/16`, want: `${A} -s 1.2.0.0/16` },
  { name: 'an IPv6 address', body: `${A} -s ::1`, code: 'bad-address' },
  { name: 'an IPv4 address in IPv6', body: `${A} -s 1.1.1.1`, code: 'bad-address', family: 'v6' },
  { name: 'an IPv6 mask', body: `${A} -s 2001:db8::1/ffff::`, want: `${A} -s 2001::/16`, family: 'v6' },
  { name: 'an IPv6 mask with holes', body: `${A} -s 1:2:3::/ffff::ffff`, want: `${A} -s 1::/ffff::ffff`, family: 'v6' },
  {
    name: 'an IPv6 address that holds one of IPv4',
    body: `${A} -s ::ffff:1.2.3.4`,
    want: `${A} -s ::ffff:1.2.3.4/128`,
    family: 'v6',
  },
  { name: 'IPv6 zeros', body: `${A} -s 1:0:0:2::/64 -d 0::0`, want: `${A} -s 1:0:0:2::/64 -d ::/128`, family: 'v6' },
  { name: '! ::/0', body: `${A} ! -s ::/0`, want: `${A} ! -s ::/0`, family: 'v6' },

  // protocol, interface, fragment
  { name: 'no protocol', body: `${A} -p ""`, code: 'bad-protocol' },
  { name: 'a protocol behind a blank', body: `${A} -p " 6"`, want: `${A} -p tcp` },
  { name: 'protocol 256', body: `${A} -p 256`, code: 'bad-protocol' },
  { name: 'protocol -1', body: `${A} -p -1`, code: 'bad-protocol' },
  { name: 'a protocol without a name', body: `${A} -p 253`, want: `${A} -p 253` },
  { name: '-f twice', body: `${A} -f -f`, code: 'repeated-option' },
  { name: '-f in IPv6', body: `${A} -f`, code: 'fragment-in-ipv6', family: 'v6' },
  { name: '! +', body: `${A} ! -i +`, want: `${A} ! -i +`, notAsked: '1.8.9 forgets to save it' },
  { name: 'an interface named !', body: `${A} -i ! -j ACCEPT`, want: `${A} -i ! -j ACCEPT` },
  { name: '! between -i and its name', body: `${A} -i ! eth0`, code: 'bad-inversion' },
  { name: 'an interface of 15 characters', body: `${A} -i abcdefghijklmno`, want: `${A} -i abcdefghijklmno` },
  { name: 'an interface of 15 bytes in 10 letters', body: `${A} -i ééééé12345`, want: `${A} -i ééééé12345` },
  { name: 'an interface of 16 bytes in 8 letters', body: `${A} -i éééééééé`, code: 'bad-interface' },

  // modules
  {
    name: 'the port list before its protocol',
    body: `${A} -m multiport --dports 80 -p tcp`,
    code: 'bad-value',
  },
  {
    name: 'the same option of two matches',
    body: `${A} -m mark --mark 1 -m connmark --mark 2`,
    want: `${A} -m mark --mark 0x1 -m connmark --mark 0x2`,
  },
  { name: 'an option twice', body: `${A} -p udp -m udp --dport 1 --dport 2`, code: 'repeated-option' },
  { name: 'the option of a match that is not loaded', body: `${A} --dport 1 -p udp`, code: 'unknown-option' },
  {
    name: 'a match without its protocol',
    body: `${A} -m tcp --dport 1`,
    code: 'wrong-protocol',
    notAsked: 'the kernel says so at COMMIT',
  },
  {
    name: 'a match with the protocol inverted',
    body: `${A} ! -p tcp --dport 1`,
    code: 'wrong-protocol',
    notAsked: 'the kernel says so at COMMIT',
  },
  { name: 'a match without its option', body: `${A} -m mark`, code: 'missing-option' },
  { name: 'a match that does not exist', body: `${A} -m tpc`, code: 'unknown-match' },
  { name: 'a match of the other family', body: `${A} -p ipv6-icmp -m icmp6 --icmpv6-type 1`, code: 'wrong-family' },
  { name: 'the implicit match of a number', body: `${A} -p 17 --dport 1`, want: `${A} -p udp -m udp --dport 1` },
  { name: 'the implicit match twice', body: `${A} -p udp -m udp --nope 1`, code: 'unknown-option' },

  // targets and chains
  { name: 'no target name', body: `${A} -j ""`, code: 'unknown-target' },
  { name: 'a target name of 29 characters', body: `${A} -j 12345678901234567890123456789`, code: 'unknown-target' },
  { name: '-g and -j', body: `${A} -g U -j ACCEPT`, code: 'repeated-option' },
  { name: '-g of a built-in chain', body: `${A} -g INPUT`, code: 'jump-to-builtin' },
  { name: 'a chain named like a target', body: `:LOG - [0:0]\n${A} -j LOG`, want: `:LOG - [0:0] / ${A} -j LOG` },
  {
    name: 'options behind a chain named like a target',
    body: `:LOG - [0:0]\n${A} -j LOG --log-prefix x`,
    code: 'unknown-option',
    line: 2,
  },
  {
    name: 'a chain named like one that needs options',
    body: `:MARK - [0:0]\n${A} -j MARK`,
    want: `:MARK - [0:0] / ${A} -j MARK`,
  },
  {
    name: 'a chain named like a hook of another table',
    body: `:PREROUTING - [0:0]\n-A PREROUTING -j DROP`,
    want: ':PREROUTING - [0:0] / -A PREROUTING -j DROP',
  },
  {
    name: '-o in a chain of that name',
    body: `:PREROUTING - [0:0]\n-A PREROUTING -o eth0`,
    code: 'interface-at-hook',
    line: 2,
  },
  { name: 'a policy for a chain of that name', body: ':PREROUTING ACCEPT', code: 'bad-policy' },
  { name: 'a verdict for a policy', body: '-P INPUT QUEUE', code: 'bad-policy' },
  { name: 'the DROP policy of nat', body: '-P PREROUTING DROP', code: 'bad-policy', table: 'nat' },
  {
    name: 'the DROP policy of nat in a chain line',
    body: ':PREROUTING DROP',
    want: ':PREROUTING DROP [0:0]',
    table: 'nat',
  },
  {
    name: 'MASQUERADE below PREROUTING',
    body: `-A PREROUTING -j U\n-A U -j MASQUERADE`,
    code: 'wrong-hook',
    table: 'nat',
    line: 2,
    notAsked: 'the kernel says so at COMMIT',
  },
  {
    name: 'an option that the hook above does not allow',
    body: `${A} -j U\n-A U -m addrtype --src-type LOCAL --limit-iface-out`,
    code: 'wrong-hook',
    line: 2,
    notAsked: 'the kernel says so at COMMIT',
  },
  {
    name: 'the same option below another hook',
    body: `-A FORWARD -j U\n-A U -m addrtype --src-type LOCAL --limit-iface-out`,
    want: '-A FORWARD -j U / -A U -m addrtype --src-type LOCAL --limit-iface-out',
  },
  {
    name: 'TCPMSS without a test of SYN',
    body: '-A FORWARD -p tcp -m tcp ! --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 42',
    code: 'module-check',
    notAsked: 'the kernel says so at COMMIT',
  },
  {
    name: 'TCPMSS with a test of SYN among others',
    body: '-A U -p tcp -m tcp --dport 80 -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
    want: '-A U -p tcp -m tcp --dport 80 -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
  },
  {
    name: 'a loop behind a verdict',
    body: `${A} -j ACCEPT\n${A} -j U\n-A U -j U`,
    want: `${A} -j ACCEPT / ${A} -j U / -A U -j U`,
  },
  {
    name: 'a loop behind a conditional verdict',
    body: `${A} -p tcp -j ACCEPT\n${A} -j U\n-A U -j U`,
    code: 'chain-loop',
    line: 3,
    notAsked: 'the kernel says so at COMMIT',
  },
  {
    name: 'a circle of jumps and gotos',
    body: `:V - [0:0]\n-A FORWARD -j U\n-A U -g V\n-A V -j U`,
    code: 'chain-loop',
    line: 4,
    notAsked: 'the kernel says so at COMMIT',
  },
  {
    name: 'a chain reached on two ways',
    body: `:V - [0:0]\n${A} -j U\n${A} -j V\n-A U -j V`,
    want: `:V - [0:0] / ${A} -j U / ${A} -j V / -A U -j V`,
  },
];
