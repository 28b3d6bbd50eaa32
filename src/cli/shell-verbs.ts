import { Option } from 'commander';
import { SHELLS } from '../shell/shells.js';
import { chosen } from './options.js';
import type { Verb } from './verb.js';

export const COMPLETION: Verb = {
  name: 'completion',
  does: 'print a script that makes the shell complete verbs, options and values',
  dumps: [],
  words: [chosen('<shell>', 'the shell', SHELLS)],
  options: [],
  exit: '0: printed; 2: trouble.',
  examples: [
    'source <(ipt2bpf completion bash)',
    'source <(ipt2bpf completion zsh)',
    'ipt2bpf completion fish > ~/.config/fish/completions/ipt2bpf.fish',
  ],
};

export const LSP: Verb = {
  name: 'lsp',
  does: 'serve an editor (Language Server Protocol on stdin and stdout)',
  dumps: [],
  options: [new Option('--stdio', 'for editors that say so: there is no other way')],
  exit: '0: the editor said exit; 1: its messages ended without that; 2: trouble.',
  examples: ['ipt2bpf lsp'],
};
