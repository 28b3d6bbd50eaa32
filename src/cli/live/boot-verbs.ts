import { Argument, Option, type Command } from 'commander';
import { chainOption, choice, jsonOption, required, translationOptions } from '../options.js';
import type { ExitCode } from '../output.js';
import type { Verb } from '../verb.js';
import {
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
  add(RESTORE).action(async (options) => finish((await import('./boot.js')).restore(options)));
}

const rootOption = (): Option =>
  new Option('--root <directory>', 'root of the file system where it is saved, of an image too').default('/');

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
  options: [rootOption(), jsonOption()],
  exit: '0: nothing is saved any more; 1: nothing was; 2: trouble.',
  examples: ['sudo ipt2bpf disable'],
};

const RESTORE: Verb = {
  name: 'restore',
  does: 'put in force what enable saved',
  dumps: [],
  options: [rootOption(), pinsOption(), jsonOption()],
  exit: '0: all of it is in force; 1: some is not; 2: trouble.',
  examples: ['sudo ipt2bpf restore'],
};
