import { Option, type Command } from 'commander';
import { VERSION } from '../version.js';
import type { ExitCode } from './output.js';

/** Each verb's code is loaded when it runs, so that `--help` and `--version` start fast. */
type Finish = (code: ExitCode) => void;

const familyOption = (): Option =>
  new Option('--family <family>', 'address family of the dump, where its text does not tell').choices(['v4', 'v6']);
const tableOption = (): Option =>
  new Option('--table <table>', 'table of the chain (default: filter; PREROUTING: raw or mangle)').choices([
    'filter',
    'raw',
    'mangle',
    'security',
  ]);
const hookOption = (): Option => new Option('--hook <hook>', 'where the program will run').choices(['xdp', 'tc']);
const chainOption = (): Option =>
  new Option('--chain <chain>', 'built-in chain').choices(['INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING']);
const jsonOption = (): Option => new Option('--json', 'print the result as JSON on stdout');

function translationOptions(command: Command): Command {
  return command
    .addOption(familyOption())
    .addOption(tableOption())
    .addOption(
      new Option('--mode <mode>', 'exact: as iptables or refused; early: only drops that iptables would do too')
        .choices(['exact', 'early'])
        .default('exact'),
    )
    .addOption(
      new Option('--fragments <policy>', 'IPv4 fragments where iptables sees datagrams').choices([
        'judge',
        'drop',
        'pass',
      ]),
    )
    .addOption(
      new Option('--reject <policy>', 'REJECT answers on the wire, or only drops')
        .choices(['answer', 'drop'])
        .default('answer'),
    )
    .addOption(new Option('--vlan <policy>', 'packets of other VLANs than 0').choices(['judge', 'drop', 'pass']))
    .addOption(new Option('--hz <n>', 'CONFIG_HZ of the kernel that will run it, for -m limit').argParser(Number));
}

export function addVerbs(program: Command, finish: Finish): void {
  program
    .description('Compiles iptables-save dumps to eBPF programs that decide exactly as iptables does.')
    .version(VERSION, '-V, --version', 'print the version')
    .showHelpAfterError('(see --help)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, equal or clean; 1 refused, different or not equal; 2 trouble.\n`-` as a dump is standard input.\n' +
        '\nExamples:\n  ipt2bpf check rules.v4\n  ipt2bpf compile rules.v4 --hook xdp --chain INPUT -o input.o\n  sudo ipt2bpf verify rules.v4 --hook xdp --chain INPUT',
    );

  translationOptions(
    program
      .command('compile')
      .description('compile one chain to an eBPF object file')
      .argument('<dump>', 'iptables-save text'),
  )
    .addOption(hookOption().makeOptionMandatory())
    .addOption(chainOption().makeOptionMandatory())
    .requiredOption('-o, --output <file>', 'object file to write')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  ipt2bpf compile rules.v4 --hook xdp --chain INPUT -o input.o\n  ipt2bpf compile rules.v4 --hook tc --chain OUTPUT -o output.o\n' +
        '  ipt2bpf compile rules.v4 --hook xdp --chain INPUT --mode early -o early.o\n  iptables-save | ipt2bpf compile - --hook tc --chain FORWARD -o forward.o',
    )
    .action(async (dump: string, options) => finish(await (await import('./compile.js')).run(dump, options)));

  translationOptions(
    program
      .command('check')
      .description('say which rules can be translated at which hook, and why others cannot')
      .argument('<dump>', 'iptables-save text'),
  )
    .addOption(hookOption())
    .addOption(chainOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit code 0: all of it exact; 1: some rules are not; 2: trouble.\n\nExamples:\n  ipt2bpf check rules.v4\n  ipt2bpf check rules.v4 --hook tc --chain FORWARD --json',
    )
    .action(async (dump: string, options) => finish(await (await import('./check.js')).run(dump, options)));

  program
    .command('print')
    .description('print a dump as iptables-save would')
    .argument('<dump>', 'iptables-save text')
    .addOption(familyOption())
    .addHelpText('after', '\nExamples:\n  ipt2bpf print rules.v4\n  ipt2bpf print - < rules.v6 --family v6')
    .action(async (dump: string, options) => finish(await (await import('./print.js')).run(dump, options)));

  program
    .command('explain')
    .description('follow one packet through the chains, rule by rule')
    .argument('<dump>', 'iptables-save text')
    .requiredOption('--packet <text>', 'the packet, as text')
    .addOption(chainOption())
    .addOption(tableOption())
    .addOption(familyOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      "\nExamples:\n  ipt2bpf explain rules.v4 --packet 'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0'\n  ipt2bpf explain rules.v4 --chain FORWARD --packet 'udp 10.0.0.2:53 > 192.0.2.9:53 in eth1 out eth0 state NEW'",
    )
    .action(async (dump: string, options) => finish(await (await import('./explain.js')).run(dump, options)));

  program
    .command('diff')
    .description('compare two dumps by their normalised rules')
    .argument('<a>', 'iptables-save text')
    .argument('<b>', 'iptables-save text')
    .addOption(familyOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit code 0: same rules; 1: different; 2: trouble.\n\nExamples:\n  ipt2bpf diff old.v4 new.v4\n  iptables-save | ipt2bpf diff rules.v4 -',
    )
    .action(async (a: string, b: string, options) => finish(await (await import('./diff.js')).run(a, b, options)));

  translationOptions(
    program
      .command('verify')
      .description('compare reference, interpreter, kernel and real iptables packet by packet')
      .argument('<dump>', 'iptables-save text'),
  )
    .addOption(hookOption().makeOptionMandatory())
    .addOption(chainOption().makeOptionMandatory())
    .option('--pcap <file>', 'packets from a pcap instead of the generator')
    .option('--packets <n>', 'how many packets to generate', Number, 10_000)
    .option('--seed <n>', 'seed of the generator', Number, 1)
    .option(
      '--engines <list>',
      'comma list of model, interpreter, kernel, iptables',
      'model,interpreter,kernel,iptables',
    )
    .option('--save-pcap <file>', 'write mismatching packets to a pcap')
    .option('--junit <file>', 'write a JUnit report')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit code 0: all engines agree; 1: they do not; 2: trouble. The kernel and iptables engines need root.\n\nExamples:\n  sudo ipt2bpf verify rules.v4 --hook xdp --chain INPUT\n  ipt2bpf verify rules.v4 --hook tc --chain FORWARD --engines model,interpreter --packets 1000\n  sudo ipt2bpf verify rules.v4 --hook xdp --chain INPUT --pcap capture.pcap --junit verify.xml',
    )
    .action(async (dump: string, options) => finish(await (await import('./verify.js')).run(dump, options)));
}
