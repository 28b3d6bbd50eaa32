import { Argument, Option } from 'commander';
import {
  anyTableOption,
  chainOption,
  choice,
  familyOption,
  hookOption,
  ipsetOption,
  jsonOption,
  required,
  sarifOption,
  tableOption,
  translationOptions,
} from './options.js';
import type { Verb } from './verb.js';

const RULES_ARGUMENT = 'dump, compiled object, or live: what iptables-save prints here; - is standard input';

export const CHECK: Verb = {
  name: 'check',
  does: 'say which rules can be translated at which hook, and why others cannot',
  dumps: ['dump'],
  options: [hookOption(), chainOption(), ...translationOptions(), sarifOption(), jsonOption()],
  exit: '0: all of it exact; 1: some rules are not; 2: trouble.',
  examples: [
    'ipt2bpf check rules.v4',
    'ipt2bpf check rules.v4 --hook tc --chain FORWARD --json',
    'sudo iptables-save | ipt2bpf check - --mode early',
  ],
};

export const PRINT: Verb = {
  name: 'print',
  does: 'print a dump as iptables-save would',
  dumps: ['dump'],
  options: [familyOption()],
  exit: '0: printed; 2: trouble.',
  examples: ['ipt2bpf print rules.v4', 'ipt2bpf print - --family v6 < ip6tables.rules'],
};

export const EXPLAIN: Verb = {
  name: 'explain',
  does: 'follow one packet through the chains, rule by rule',
  dumps: ['dump'],
  options: [
    required(new Option('--packet <text>', 'the packet in words, or as frame HEX (see docs/cli.md)')),
    chainOption('built-in chain; the one for the interfaces of the packet if left out'),
    tableOption(),
    ipsetOption(),
    familyOption(),
    jsonOption(),
  ],
  exit: '0: the verdict is certain; 1: it depends on what is not known; 2: trouble.',
  examples: [
    "ipt2bpf explain rules.v4 --packet 'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0'",
    "ipt2bpf explain rules.v4 --packet 'udp 10.0.0.2:53 > 192.0.2.9:53 in eth1 out eth0 state NEW'",
    "ipt2bpf explain rules.v6 --packet 'icmp6 fe80::1 > ff02::1 neighbour-solicitation ttl 255 in eth0'",
  ],
};

export const DIFF: Verb = {
  name: 'diff',
  does: 'show the packets that two rulesets judge differently',
  dumps: ['a', 'b'],
  argument:
    'dump, compiled object, or live: what iptables-save prints here; each with :CHAIN or not; - is standard input',
  options: [
    new Option('--strict', 'compare also what is counted, logged and marked'),
    new Option('--all', 'tell every pair of rules, 20 rectangles of each, and all values'),
    choice('--format <format>', 'how the result is written', [
      'text',
      'markdown',
      'json',
      'sarif',
      'html',
      'pcap',
    ]).default('text'),
    ipsetOption(),
    familyOption(),
    jsonOption(),
  ],
  exit: '0: same rules; 1: different; 2: trouble.',
  examples: [
    'ipt2bpf diff old.v4 new.v4',
    'ipt2bpf diff old.v4:INPUT new.v4:INPUT --strict',
    'ipt2bpf diff old.v4 new.v4 --format markdown > comment.md',
    'ipt2bpf diff rules.v4 input.o --format sarif',
    'sudo ipt2bpf diff live new.v4 --format pcap > changed.pcap',
    'sudo iptables-save | ipt2bpf diff rules.v4 -',
  ],
};

export const QUERY: Verb = {
  name: 'query',
  does: 'say what becomes of packets: which are accepted, which are not, and by which rules',
  dumps: ['dump'],
  argument: RULES_ARGUMENT,
  words: [new Argument('<query>', 'the packets, in words (see docs/guides/intents.md)')],
  options: [
    chainOption('built-in chain: INPUT if left out'),
    anyTableOption('table of the chain: filter if left out'),
    ipsetOption(),
    familyOption(),
    new Option('--all', 'print every part, not the 20 largest of each verdict alone'),
    jsonOption(),
  ],
  exit: '0: answered; 2: trouble.',
  examples: [
    "ipt2bpf query rules.v4 'tcp to 192.0.2.0/24 port 22 from any'",
    "ipt2bpf query rules.v4 'udp port 53 or tcp port 53,853 not from 10.0.0.0/8' --chain FORWARD",
    "ipt2bpf query rules.v4 'in eth0 state new (tcp port 5432 or icmp type echo-request)' --json",
    "ipt2bpf query rules.v4 'all' --all",
    "sudo ipt2bpf query live 'from 203.0.113.0/24'",
  ],
};

export const TEST: Verb = {
  name: 'test',
  does: 'prove or refute intents, such as "ssh only from 10.0.0.0/8", for all packets',
  dumps: ['dump'],
  argument: RULES_ARGUMENT,
  words: [new Argument('<intents>', 'YAML file of intents (see docs/guides/intents.md); - is standard input')],
  options: [
    new Option('--junit <file>', 'write a JUnit report'),
    chainOption('built-in chain of intents that name none: INPUT if left out'),
    anyTableOption('table of intents that name none: filter if left out'),
    ipsetOption(),
    familyOption(),
    jsonOption(),
  ],
  exit: '0: all hold; 1: some do not; 2: some are not decided, or trouble.',
  examples: [
    'ipt2bpf test rules.v4 intents.yaml',
    'ipt2bpf test rules.v4 intents.yaml --junit intents.xml',
    'sudo ipt2bpf test live intents.yaml --json',
  ],
};

export const AUDIT: Verb = {
  name: 'audit',
  does: 'say whether an object still says what a dump says, which compiler made it, and what drifted',
  dumps: ['dump'],
  argument: 'dump, or live: what iptables-save prints here; - is standard input',
  words: [new Argument('<object>', 'object file; - is standard input')],
  options: [ipsetOption(), familyOption(), jsonOption()],
  exit: '0: it says what the dump says; 1: it does not; 2: not known, or trouble.',
  examples: [
    'ipt2bpf audit rules.v4 input.o',
    'ipt2bpf audit rules.v4 input.o --json',
    'sudo ipt2bpf audit live input.o',
  ],
};

export const LINT: Verb = {
  name: 'lint',
  does: 'name the rules that no packet needs: shadowed, redundant, unreachable, contradictory',
  dumps: ['dump'],
  options: [ipsetOption(), familyOption(), sarifOption(), jsonOption()],
  exit: '0: nothing found; 1: found; 2: trouble.',
  examples: [
    'ipt2bpf lint rules.v4',
    'ipt2bpf lint rules.v4 --sarif lint.sarif',
    "sudo iptables-save | ipt2bpf lint - --json | jq '.findings[].message'",
  ],
};

export const REPORT: Verb = {
  name: 'report',
  does: 'write one HTML page: chains, rules, translation, and an explorer for packets',
  dumps: ['dump'],
  options: [
    required(new Option('-o, --output <file>', 'HTML file to write; - is standard output')),
    new Option('--against <dump>', 'another dump: show what is different in it'),
    new Option('--counters <dump>', 'the same rules with counters, from iptables-save -c'),
    ipsetOption(),
    familyOption(),
  ],
  exit: '0: written; 2: trouble.',
  examples: [
    'ipt2bpf report rules.v4 -o report.html',
    'ipt2bpf report old.v4 --against new.v4 -o change.html',
    'sudo iptables-save -c | ipt2bpf report - --family v4 -o today.html',
  ],
};
