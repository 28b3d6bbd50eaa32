import { Option } from 'commander';
import {
  behindTheStack,
  chainOption,
  hookOption,
  jsonOption,
  knockOption,
  lookupOption,
  nameOption,
  placeOption,
  required,
  whole,
  withObject,
  translationOptions,
} from './options.js';
import type { Verb } from './verb.js';

export const COMPILE: Verb = {
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

export const BUNDLE: Verb = {
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

export const VERIFY: Verb = {
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

export const RUN_WITH: Verb = {
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
