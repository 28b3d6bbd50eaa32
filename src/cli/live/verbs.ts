import { Argument, Option, type Command } from 'commander';
import { chainOption, jsonOption, translationOptions, whole } from '../options.js';
import type { ExitCode } from '../output.js';
import type { Verb } from '../verb.js';
import { addBootVerbs } from './boot-verbs.js';
import {
  confirmOption,
  deviceOption,
  dryRunOption,
  FILE,
  liveHookOption,
  nameOption,
  pinsOption,
  verifyOption,
  xdpOption,
} from './options.js';

/** Adds the verbs that attach rulesets and look after them. */
export function addLiveVerbs(add: (verb: Verb) => Command, finish: (code: ExitCode) => void): void {
  add(ATTACH).action(async (file: string, options) =>
    finish(await (await import('./attach.js')).attach(file, options)),
  );
  add(REPLACE).action(async (file: string, options) =>
    finish(await (await import('./attach.js')).replace(file, options)),
  );
  add(CONFIRM).action(async (options) => finish((await import('./change.js')).confirm(options)));
  add(ROLLBACK).action(async (options) => finish((await import('./change.js')).rollback(options)));
  add(DETACH).action(async (options) => finish((await import('./change.js')).detach(options)));
  add(STATUS).action(async (options) => finish((await import('./status.js')).run(options)));
  add(LIST).action(async (options) => finish((await import('./list.js')).run(options)));
  add(SETS).action(async (words: readonly string[], options) =>
    finish((await import('./sets.js')).run(words, options)),
  );
  add(WATCH).action(async (options) => finish((await import('./watch.js')).run(options)));
  add(EVENTS).action(async (object: string | undefined, options) =>
    finish(await (await import('../events.js')).run(object, options)),
  );
  addBootVerbs(add, finish);
  add(METRICS).action(async (options) => finish(await (await import('./metrics.js')).run(options)));
}

const ATTACH: Verb = {
  name: 'attach',
  does: 'put a ruleset in force: compile, verify quickly, load, attach',
  dumps: ['file'],
  argument: FILE,
  options: [
    liveHookOption(),
    chainOption('built-in chain; at netfilter all chains of table filter if left out'),
    deviceOption(),
    new Option('--name <name>', 'name to call it by; made from hook, chain and IP version if left out'),
    xdpOption(),
    new Option('--shadow', 'at netfilter: decide nothing, compare with iptables; status shows the differences'),
    confirmOption(),
    dryRunOption(),
    verifyOption(),
    pinsOption(),
    ...translationOptions(),
    jsonOption(),
  ],
  exit: '0: in force; 1: refused, nothing is changed; 2: trouble, nothing is changed.',
  examples: [
    'sudo ipt2bpf attach rules.v4 --hook netfilter --confirm 60',
    'sudo ipt2bpf attach rules.v4 --hook xdp --chain INPUT --dev eth0',
    'sudo ipt2bpf attach output.o --dev eth0 --dev eth1',
    'sudo ipt2bpf attach rules.v4 --hook netfilter --dry-run',
  ],
};

const REPLACE: Verb = {
  name: 'replace',
  does: 'put another ruleset in the place of the one in force, at one moment',
  dumps: ['file'],
  argument: FILE,
  options: [
    nameOption(),
    new Option('--zero', 'begin with counters at zero; else rules that stay keep theirs'),
    confirmOption(),
    dryRunOption(),
    verifyOption(),
    pinsOption(),
    ...translationOptions(),
    jsonOption(),
  ],
  exit: '0: in force; 1: refused, the ruleset before stays; 2: trouble, it stays, too.',
  examples: [
    'sudo ipt2bpf replace rules.v4',
    'sudo ipt2bpf replace rules.v4 --confirm 60',
    'sudo ipt2bpf replace rules.v4 --name xdp-input-v4 --zero',
  ],
};

const CONFIRM: Verb = {
  name: 'confirm',
  does: 'keep the ruleset that attach or replace put in force with --confirm',
  dumps: [],
  options: [nameOption(), dryRunOption(), pinsOption(), jsonOption()],
  exit: '0: it stays; 1: nothing waited for it; 2: trouble.',
  examples: ['sudo ipt2bpf confirm'],
};

const ROLLBACK: Verb = {
  name: 'rollback',
  does: 'go back to the ruleset before',
  dumps: [],
  options: [nameOption(), dryRunOption(), pinsOption(), jsonOption()],
  exit: '0: it is in force again; 2: trouble.',
  examples: ['sudo ipt2bpf rollback --dry-run', 'sudo ipt2bpf rollback'],
};

const DETACH: Verb = {
  name: 'detach',
  does: 'take a ruleset out of force, with all that belongs to it',
  dumps: [],
  options: [nameOption(), dryRunOption(), pinsOption(), jsonOption()],
  exit: '0: nothing of it is left; 2: trouble.',
  examples: ['sudo ipt2bpf detach', 'sudo ipt2bpf detach --name filter-v4'],
};

const STATUS: Verb = {
  name: 'status',
  does: 'say what is in force, and where',
  dumps: [],
  options: [nameOption(), pinsOption(), jsonOption()],
  exit: '0: all is well; 1: something is not (a device is gone, a confirmation is due); 2: trouble.',
  examples: ['sudo ipt2bpf status', 'sudo ipt2bpf status --json'],
};

const LIST: Verb = {
  name: 'list',
  does: 'list the rules in force, as iptables -L -n --line-numbers does',
  dumps: [],
  options: [
    nameOption(),
    new Option('-v, --verbose', 'with packets, bytes and interfaces, as iptables -L -v'),
    new Option('-x, --exact', 'with exact numbers, as iptables -L -x'),
    new Option('--save', 'as iptables-save -c'),
    pinsOption(),
    jsonOption(),
  ],
  exit: '0: listed; 2: trouble.',
  examples: ['sudo ipt2bpf list -v', 'sudo ipt2bpf list --save > now.v4'],
};

const SETS: Verb = {
  name: 'sets',
  does: 'change IP sets of the ruleset in force while packets come',
  dumps: [],
  words: [new Argument('[change...]', 'add SET ELEMENT [timeout N] [nomatch], or del SET ELEMENT, as for ipset')],
  options: [
    nameOption(),
    new Option('--file <file>', 'changes, one in each line; - is standard input'),
    new Option('--exist', 'what is there already, or not there any more, is no error'),
    pinsOption(),
    jsonOption(),
  ],
  exit: '0: changed, or the names of the sets printed; 2: trouble.',
  examples: [
    'sudo ipt2bpf sets',
    'sudo ipt2bpf sets add blocked 203.0.113.0/24',
    'sudo ipt2bpf sets del blocked 203.0.113.0/24 --exist',
    'sudo ipt2bpf sets --file changes.txt',
  ],
};

const WATCH: Verb = {
  name: 'watch',
  does: 'show what rules count, packets and bits a second',
  dumps: [],
  options: [
    nameOption(),
    whole('--interval <seconds>', 'how often', 1, 3600).default(1),
    whole('--count <n>', 'how many times; until it is interrupted if left out', 1, 1_000_000),
    pinsOption(),
    jsonOption(),
  ],
  exit: '0: shown; 2: trouble.',
  examples: ['sudo ipt2bpf watch', 'sudo ipt2bpf watch --interval 10 --json'],
};

const EVENTS: Verb = {
  name: 'events',
  does: 'print what LOG rules of what is attached match, as the kernel log has it',
  dumps: [],
  words: [
    new Argument('[object]', 'object file that others have loaded; what is attached if left out; - is standard input'),
  ],
  options: [
    new Option('--name <name>', 'which ruleset; all if left out'),
    new Option('--pin <path>', 'with an object file: the pinned map "events", or the directory of its pins'),
    new Option('--once', 'print what is there and end, instead of waiting for more'),
    new Option('--pcap <file>', 'write the packets of one NFLOG group to a capture file'),
    whole('--group <n>', 'the NFLOG group', 0, 65_535),
    pinsOption(),
    new Option('--json', 'print each event as a line of JSON, NFLOG too'),
  ],
  exit: '0: ended; 2: trouble.',
  examples: [
    'sudo ipt2bpf events',
    'sudo ipt2bpf events --pcap group5.pcap --group 5',
    'sudo ipt2bpf events table.o --pin /sys/fs/bpf/firewall --once --json',
  ],
};

const METRICS: Verb = {
  name: 'metrics',
  does: 'print or serve what is attached and counted, for Prometheus',
  dumps: [],
  options: [
    new Option('-o, --output <file>', 'write it to a file as a whole, for the textfile collector of node_exporter'),
    new Option('--listen <address>', 'serve /metrics at ADDRESS:PORT, or at PORT of 127.0.0.1'),
    pinsOption(),
  ],
  exit: '0: written, or served until interrupted; 2: trouble.',
  examples: [
    'sudo ipt2bpf metrics',
    'sudo ipt2bpf metrics -o /var/lib/node_exporter/ipt2bpf.prom',
    'sudo ipt2bpf metrics --listen 9435',
  ],
};
