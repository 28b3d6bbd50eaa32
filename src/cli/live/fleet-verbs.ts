import { InvalidArgumentError, Option, type Command } from 'commander';
import { chainOption, jsonOption, required, translationOptions, whole } from '../options.js';
import { deviceOption, FILE, liveHookOption, verifyOption } from './options.js';
import type { ExitCode } from '../output.js';
import type { Verb } from '../verb.js';

/** Adds the verbs for many hosts. */
export function addFleetVerbs(add: (verb: Verb) => Command, finish: (code: ExitCode) => void): void {
  add(PACKAGE).action(async (file: string, options) => finish(await (await import('./package.js')).run(file, options)));
}

const PACKAGE: Verb = {
  name: 'package',
  does: 'write an image and a Kubernetes resource with which bpfman puts a chain in force on many hosts',
  dumps: ['file'],
  argument: FILE,
  options: [
    required(new Option('-o, --output <directory>', 'folder to make, with the OCI image layout and the resource')),
    required(new Option('--image <reference>', 'where the image will be: REGISTRY/NAME:TAG')),
    liveHookOption(),
    chainOption('built-in chain'),
    deviceOption(),
    new Option('--name <name>', 'name of the resource; made from chain and IP version if left out').argParser(
      (value) => {
        if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value;
        throw new InvalidArgumentError('It is at most 63 lower-case letters, digits and -.');
      },
    ),
    whole('--priority <n>', 'order among the programs of a device, 0 first', 0, 1000).default(50),
    new Option('--node <label>', 'KEY=VALUE: only nodes with this label; may be given several times').argParser(
      (value: string, before: Readonly<Record<string, string>> | undefined) => {
        const at = value.indexOf('=');
        if (at > 0) return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
        throw new InvalidArgumentError('It is KEY=VALUE.');
      },
    ),
    verifyOption(),
    ...translationOptions(),
    jsonOption(),
  ],
  exit: '0: written; 1: refused, nothing is written; 2: trouble.',
  examples: [
    'ipt2bpf package rules.v4 --hook xdp --chain INPUT --image registry.example/fw:1 -o fw',
    'ipt2bpf package output.o --dev eth0 --node role=edge --image registry.example/fw-out:7 -o fw-out',
  ],
};
