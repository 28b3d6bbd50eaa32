import { Argument, Option, type Command } from 'commander';
import { SHELLS, type Shell } from '../shell/shells.js';
import { VERSION } from '../version.js';
import {
  anyChainOption,
  anyTableOption,
  behindTheStack,
  chainOption,
  choice,
  familyOption,
  hookOption,
  ipsetOption,
  lookupOption,
  jsonOption,
  knockOption,
  nameOption,
  placeOption,
  refuseMissing,
  required,
  sarifOption,
  tableOption,
  translationOptions,
  whole,
  withObject,
} from './options.js';
import { addPackageVerb } from './package-verb.js';
import { addLiveVerbs } from './live/verbs.js';
import type { Verb } from './verb.js';

/** Each verb's code is loaded when it runs, so that `--help` and `--version` start fast. */
type Finish = (code: number) => void;

/** Sets up the verbs; `finish` gets the exit code of the one that ran. */
export function addVerbs(program: Command, finish: Finish): void {
  program
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'ipt2bpf: ')) })
    .description('Compiles iptables-save dumps to eBPF programs that decide exactly as iptables does.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [verb]', 'print the help of a verb')
    .showHelpAfterError('(see ipt2bpf --help)')
    .addHelpText('after', PROGRAM_HELP);

  add(program, COMPILE).action(async (dump: string, options) =>
    finish(await (await import('./compile.js')).run(dump, options)),
  );
  add(program, CHECK).action(async (dump: string, options) =>
    finish(await (await import('./check.js')).run(dump, options)),
  );
  add(program, PRINT).action(async (dump: string, options) =>
    finish(await (await import('./print.js')).run(dump, options)),
  );
  add(program, EXPLAIN).action(async (dump: string, options) =>
    finish(await (await import('./explain.js')).run(dump, options)),
  );
  add(program, DIFF).action(async (a: string, b: string, options) =>
    finish(await (await import('./diff.js')).run(a, b, options)),
  );
  add(program, QUERY).action(async (dump: string, query: string, options) =>
    finish((await import('./query.js')).run(dump, query, options)),
  );
  add(program, TEST).action(async (dump: string, intents: string, options) =>
    finish((await import('./test.js')).run(dump, intents, options)),
  );
  add(program, AUDIT).action(async (dump: string, object: string, options) =>
    finish(await (await import('./audit.js')).run(dump, object, options)),
  );
  add(program, LINT).action(async (dump: string, options) =>
    finish(await (await import('./lint.js')).run(dump, options)),
  );
  add(program, REPORT).action(async (dump: string, options) =>
    finish(await (await import('./report.js')).run(dump, options)),
  );
  add(program, BUNDLE).action(async (dump: string, options) =>
    finish(await (await import('./bundle.js')).run(dump, options)),
  );
  add(program, COMPLETION).action(async (shell: Shell) =>
    finish((await import('./completion.js')).run(program, shell)),
  );
  add(program, LSP).action(async () => finish(await (await import('./lsp.js')).run()));
  add(program, VERIFY).action(async (dump: string, options) =>
    finish(await (await import('./verify.js')).run(dump, options)),
  );
  const runWith = add(program, RUN_WITH);
  runWith.action(async (dump: string, options) =>
    finish(await (await import('./run-with.js')).run(dump, runWith.args.slice(1), options)),
  );
  add(program, EVENTS).action(async (object: string, options) =>
    finish(await (await import('./events.js')).run(object, options)),
  );
  addLiveVerbs((verb) => add(program, verb), finish);
  addPackageVerb((verb) => add(program, verb), finish);
}

/** What the help of a verb says beside its options. */
export interface VerbNotes {
  readonly exit: string;
  readonly examples: readonly string[];
}

const NOTES = new WeakMap<Command, VerbNotes>();

export function verbNotes(command: Command): VerbNotes | undefined {
  return NOTES.get(command);
}

function add(program: Command, verb: Verb): Command {
  const command = program.command(verb.name).description(verb.does);
  for (const name of verb.dumps) {
    command.argument(`<${name}>`, verb.argument ?? 'iptables-save text; - is standard input');
  }
  for (const argument of verb.words ?? []) command.addArgument(argument);
  // The words behind -- are nobody's arguments: as some of the verb's they would fill the list of verbs.
  command.allowExcessArguments(verb.command === true);
  for (const option of verb.options) command.addOption(option);
  NOTES.set(command, { exit: verb.exit, examples: verb.examples });
  refuseMissing(command);
  if (verb.command === true) command.usage(`${command.usage()} -- <command> …`);
  return command
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError(`(see ipt2bpf ${verb.name} --help)`)
    .addHelpText('after', `\nExit code ${verb.exit}\n\n${examples(verb.examples)}`);
}

function examples(lines: readonly string[]): string {
  return ['Examples:', ...lines.map((line) => `  ${line}`)].join('\n');
}

export const PROGRAM_NOTES: VerbNotes = {
  exit: '0: done, equal or clean; 1: refused, different or not equal; 2: trouble.',
  examples: [
    'ipt2bpf check rules.v4',
    'ipt2bpf compile rules.v4 --hook xdp --chain INPUT -o input.o',
    'sudo ipt2bpf verify rules.v4 --hook xdp --chain INPUT',
  ],
};

const PROGRAM_HELP = `
Results go to stdout, messages to stderr. Exit code 0: done, equal or clean;
1: refused, different or not equal; 2: trouble. - as a dump is standard input.

${examples(PROGRAM_NOTES.examples)}`;

const COMPILE: Verb = {
  name: 'compile',
  does: 'compile one chain, or at netfilter a table, to an eBPF object file',
  dumps: ['dump'],
  options: [
    required(hookOption()),
    required(chainOption('built-in chain; at netfilter all chains of table filter if left out'), behindTheStack),
    required(new Option('-o, --output <file>', 'object file to write; - is standard output')),
    new Option('--residual <file>', 'at netfilter: write what iptables has to keep, as iptables-save text'),
    new Option('--stats', 'print how each chain is judged: engine, sizes, depth, expected cost'),
    new Option('--fill <file>', 'write what fills the IP sets, for "bpftool batch file"'),
    new Option('--pins <directory>', 'where programs that the residual rules ask and maps to fill are pinned').default(
      '/sys/fs/bpf/ipt2bpf',
    ),
    lookupOption(),
    ...translationOptions(),
    jsonOption(),
  ],
  exit: '0: written; 1: refused, nothing is written; 2: trouble.',
  examples: [
    'ipt2bpf compile rules.v4 --hook xdp --chain INPUT -o input.o',
    'ipt2bpf compile rules.v4 --hook tc --chain OUTPUT -o output.o',
    'ipt2bpf compile rules.v4 --hook xdp --chain INPUT --mode early -o early.o',
    'ipt2bpf compile rules.v4 --hook xdp --chain INPUT --mode early --lookup no-helpers -o early.o',
    'ipt2bpf compile rules.v4 --hook netfilter -o table.o --residual rest.v4',
    'ipt2bpf compile rules.v4 --hook xdp --chain INPUT --ipset sets.txt -o input.o',
    'sudo iptables-save | ipt2bpf compile - --hook tc --chain FORWARD -o forward.o',
  ],
};

const CHECK: Verb = {
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

const PRINT: Verb = {
  name: 'print',
  does: 'print a dump as iptables-save would',
  dumps: ['dump'],
  options: [familyOption()],
  exit: '0: printed; 2: trouble.',
  examples: ['ipt2bpf print rules.v4', 'ipt2bpf print - --family v6 < ip6tables.rules'],
};

const EXPLAIN: Verb = {
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

const DIFF: Verb = {
  name: 'diff',
  does: 'show the packets that two rulesets judge differently',
  dumps: ['a', 'b'],
  argument:
    'dump, compiled object, or live: what iptables-save prints here; each with :CHAIN or not; - is standard input',
  options: [
    new Option('--strict', 'compare also what is counted, logged and marked'),
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

const RULES_ARGUMENT = 'dump, compiled object, or live: what iptables-save prints here; - is standard input';

const QUERY: Verb = {
  name: 'query',
  does: 'say what becomes of packets: which are accepted, which are not, and by which rules',
  dumps: ['dump'],
  argument: RULES_ARGUMENT,
  words: [new Argument('<query>', 'the packets, in words (see docs/guides/intents.md)')],
  options: [
    anyChainOption('built-in chain: INPUT if left out'),
    anyTableOption('table of the chain: filter if left out'),
    ipsetOption(),
    familyOption(),
    jsonOption(),
  ],
  exit: '0: answered; 2: trouble.',
  examples: [
    "ipt2bpf query rules.v4 'tcp to 192.0.2.0/24 port 22 from any'",
    "ipt2bpf query rules.v4 'udp port 53 or tcp port 53,853 not from 10.0.0.0/8' --chain FORWARD",
    "ipt2bpf query rules.v4 'in eth0 state new (tcp port 5432 or icmp type echo-request)' --json",
    "sudo ipt2bpf query live 'from 203.0.113.0/24'",
  ],
};

const TEST: Verb = {
  name: 'test',
  does: 'prove or refute intents, such as "ssh only from 10.0.0.0/8", for all packets',
  dumps: ['dump'],
  argument: RULES_ARGUMENT,
  words: [new Argument('<intents>', 'YAML file of intents (see docs/guides/intents.md); - is standard input')],
  options: [
    new Option('--junit <file>', 'write a JUnit report'),
    anyChainOption('built-in chain of intents that name none: INPUT if left out'),
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

const AUDIT: Verb = {
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

const LINT: Verb = {
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

const REPORT: Verb = {
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

const BUNDLE: Verb = {
  name: 'bundle',
  does: 'write an archive that a host without Node.js puts in force with bpftool and iproute2',
  dumps: ['dump'],
  options: [
    required(new Option('-o, --output <file>', 'archive to write (.tar.gz); - is standard output')),
    placeOption(),
    nameOption(),
    ...translationOptions(),
  ],
  exit: '0: written; 1: refused, nothing is written; 2: trouble.',
  examples: [
    'ipt2bpf bundle rules.v4 -o fw.tar.gz',
    'ipt2bpf bundle rules.v4 --place tc:INPUT --place tc:OUTPUT --name edge -o edge.tar.gz',
    'ipt2bpf bundle rules.v4 --mode early -o early.tar.gz',
  ],
};

const COMPLETION: Verb = {
  name: 'completion',
  does: 'print a script that makes the shell complete verbs, options and values',
  dumps: [],
  words: [new Argument('<shell>', 'the shell').choices(SHELLS)],
  options: [],
  exit: '0: printed; 2: trouble.',
  examples: [
    'source <(ipt2bpf completion bash)',
    'source <(ipt2bpf completion zsh)',
    'ipt2bpf completion fish > ~/.config/fish/completions/ipt2bpf.fish',
  ],
};

const LSP: Verb = {
  name: 'lsp',
  does: 'serve an editor (Language Server Protocol on stdin and stdout)',
  dumps: [],
  options: [new Option('--stdio', 'for editors that say so: there is no other way')],
  exit: '0: the editor said exit; 1: its messages ended without that; 2: trouble.',
  examples: ['ipt2bpf lsp'],
};

const VERIFY: Verb = {
  name: 'verify',
  does: 'compare reference, interpreter, kernel and real iptables packet by packet, or prove the object',
  dumps: ['dump'],
  options: [
    required(hookOption(), withObject),
    required(
      chainOption('built-in chain; at netfilter all chains of table filter if left out'),
      (given) => behindTheStack(given) || withObject(given),
    ),
    new Option('--prove', 'prove the object for all packets at once, or show one that refutes it'),
    new Option('--object <file>', 'prove this object file; the hook and chain are those that it names'),
    new Option('--engines <list>', 'which to ask, with commas between').default('model,interpreter,kernel,iptables'),
    whole('--packets <n>', 'how many packets to generate', 1, 10_000_000).default(10_000),
    whole('--seed <n>', 'seed of the generator', 0, Number.MAX_SAFE_INTEGER).default(1),
    new Option('--pcap <file>', 'packets of a pcap or pcapng file instead of generated ones'),
    new Option('--save-pcap <file>', 'write mismatching packets to a pcap file'),
    new Option('--junit <file>', 'write a JUnit report'),
    lookupOption(),
    ...translationOptions(),
    jsonOption(),
  ],
  exit: '0: all engines agree, or proved; 1: they do not, refuted, or the chain is refused; 2: not proved, or trouble.\nThe engines kernel and iptables need root; without it they are skipped by name.',
  examples: [
    'sudo ipt2bpf verify rules.v4 --hook xdp --chain INPUT',
    'sudo ipt2bpf verify rules.v4 --hook netfilter',
    'ipt2bpf verify rules.v4 --hook tc --chain FORWARD --engines interpreter --packets 1000',
    'sudo ipt2bpf verify rules.v4 --hook xdp --chain INPUT --pcap capture.pcap --junit verify.xml',
    'ipt2bpf verify rules.v4 --hook xdp --chain INPUT --prove',
    'ipt2bpf verify rules.v4 --object input.o --prove',
  ],
};

const RUN_WITH: Verb = {
  name: 'run-with',
  does: 'run a command whose sockets have the rules of a dump as their filter (cgroup v2; needs root)',
  dumps: ['dump'],
  command: true,
  options: [
    new Option('--also <dump>', 'the dump of the other IP version'),
    knockOption(),
    new Option('--cgroup <directory>', 'where the control group is made: in that of ipt2bpf itself if left out'),
    new Option(
      '--systemd <unit>',
      'run nothing: print a drop-in that gives the filter to a unit, and the unit that loads it',
    ),
    new Option('-o, --output <directory>', 'with --systemd: write both into a directory, as /etc/systemd/system'),
    new Option('--pin <directory>', 'run nothing: load the programs and pin them there'),
    ...translationOptions().filter(({ long }) => !['--mode', '--vlan', '--table'].includes(long ?? '')),
  ],
  exit: 'of the command, 128 + n after signal n; 1: rules refused; 2: trouble at the start.',
  examples: [
    'sudo ipt2bpf run-with app.v4 -- ./server --port 8080',
    'sudo ipt2bpf run-with app.v4 --also app.v6 --reject drop -- setpriv --reuid www ./server',
    'sudo ipt2bpf run-with knock.v4 --knock tcp:7000,udp:8000 -- ./server',
    'sudo ipt2bpf run-with app.v4 --systemd nginx.service -o /etc/systemd/system',
  ],
};

const EVENTS: Verb = {
  name: 'events',
  does: 'print what LOG rules of a loaded object match, as the kernel log has it',
  dumps: ['object'],
  argument: 'object file that is loaded; - is standard input',
  options: [
    required(new Option('--pin <path>', 'the pinned map "events", or the directory of the pins of the object')),
    new Option('--once', 'print what is there and end, instead of waiting for more'),
    new Option('--pcap <file>', 'write the packets of one NFLOG group to a capture file'),
    whole('--group <n>', 'the NFLOG group', 0, 65_535),
    new Option('--json', 'print each event as a line of JSON, NFLOG too'),
  ],
  exit: '0: ended; 2: trouble.',
  examples: [
    'sudo ipt2bpf events table.o --pin /sys/fs/bpf/firewall',
    'sudo ipt2bpf events table.o --pin /sys/fs/bpf/firewall --once --json',
    'sudo ipt2bpf events table.o --pin /sys/fs/bpf/firewall --pcap group5.pcap --group 5',
  ],
};
