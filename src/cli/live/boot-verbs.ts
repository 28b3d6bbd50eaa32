import { Argument, Option, type Command } from 'commander';
import { chainOption, choice, jsonOption, required, translationOptions, whole } from '../options.js';
import type { ExitCode } from '../output.js';
import type { Verb } from '../verb.js';
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

/** Adds the verbs about the start of the machine. */
export function addBootVerbs(add: (verb: Verb) => Command, finish: (code: ExitCode) => void): void {
  add(ENABLE).action(async (file: string | undefined, options) =>
    finish(await (await import('./boot.js')).enable(file, options)),
  );
  add(DISABLE).action(async (options) => finish((await import('./boot.js')).disable(options)));
  add(MIGRATE).action(async (options) => finish(await (await import('./migrate.js')).run(options)));
  add(RESTORE).action(async (options) => finish((await import('./boot.js')).restore(options)));
}

const rootOption = (): Option =>
  new Option('--root <directory>', 'root of the file system where it is saved, of an image too').default('/');

const MIGRATE: Verb = {
  name: 'migrate',
  does: 'walk from the rules that iptables has loaded to programs, with a way back from each step',
  dumps: [],
  options: [
    new Option('--yes', 'ask nothing: take what is usual at each step'),
    dryRunOption(),
    new Option('--back', 'the way back: iptables gets its rules again, the programs go'),
    whole('--compare <seconds>', 'how long the programs run beside iptables before they judge', 0, 86_400),
    confirmOption(),
    new Option('--keep-rules', 'leave the rules in table filter, behind the programs'),
    choice('--on-failure <choice>', 'enable it for the start of the machine, as enable does', ['closed', 'open']),
    choice('--family <family>', 'one IP version alone', ['v4', 'v6']),
    rootOption(),
    pinsOption(),
  ],
  exit: '0: done; 1: refused, different or not confirmed: iptables judges as before; 2: trouble.',
  examples: [
    'sudo ipt2bpf migrate',
    'sudo ipt2bpf migrate --dry-run',
    'sudo ipt2bpf migrate --yes --compare 600 --on-failure open',
    'sudo ipt2bpf migrate --back',
  ],
};

const ENABLE: Verb = {
  name: 'enable',
  does: 'save rulesets, and have systemd load them before the network comes up',
  dumps: [],
  words: [new Argument('[file]', `what is attached if left out; ${FILE}`)],
  options: [
    required(
      choice('--on-failure <choice>', 'where loading fails: closed lets no packet pass, open all', ['closed', 'open']),
    ),
    new Option('--no-unit', 'only save: something else than systemd runs "ipt2bpf restore"'),
    rootOption(),
    liveHookOption(),
    chainOption('built-in chain; at netfilter all chains of table filter if left out'),
    deviceOption(),
    nameOption(),
    xdpOption(),
    dryRunOption(),
    verifyOption(),
    pinsOption(),
    ...translationOptions(),
    jsonOption(),
  ],
  exit: '0: saved; 1: refused, nothing is changed; 2: trouble.',
  examples: [
    'sudo ipt2bpf enable --on-failure closed',
    'sudo ipt2bpf enable rules.v4 --hook netfilter --on-failure open',
    'sudo ipt2bpf enable input.o --dev eth0 --on-failure closed --root /mnt/image',
  ],
};

const DISABLE: Verb = {
  name: 'disable',
  does: 'forget what enable saved; what is in force stays',
  dumps: [],
  options: [rootOption(), dryRunOption(), jsonOption()],
  exit: '0: nothing is saved any more; 1: nothing was; 2: trouble.',
  examples: ['sudo ipt2bpf disable --dry-run', 'sudo ipt2bpf disable'],
};

const RESTORE: Verb = {
  name: 'restore',
  does: 'put in force what enable saved',
  dumps: [],
  options: [rootOption(), dryRunOption(), pinsOption(), jsonOption()],
  exit: '0: all of it is in force; 1: some is not; 2: trouble.',
  examples: ['sudo ipt2bpf restore --dry-run', 'sudo ipt2bpf restore'],
};
