import type { ShellOption, ShellVerb, ValueKind } from './command-line.js';

/** For bash 4 and newer, without the package bash-completion. */
export function bashCompletion(verbs: readonly ShellVerb[]): string {
  const names = [...verbs.map(({ name }) => name), 'help', '--help', '--version'].join(' ');
  return `# Completion of ipt2bpf for bash: source <(ipt2bpf completion bash)
_ipt2bpf() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb=\${COMP_WORDS[1]}
  COMPREPLY=()
  compopt +o filenames 2>/dev/null
  if ((COMP_CWORD == 1)); then
    _ipt2bpf_words '${names}'
    return
  fi
  case $verb in
${verbs.map(verbCase).join('\n')}
  help) _ipt2bpf_words '${verbs.map(({ name }) => name).join(' ')}' ;;
  esac
}
_ipt2bpf_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_ipt2bpf_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}
complete -F _ipt2bpf ipt2bpf
`;
}

function verbCase({ name, options, arguments: args }: ShellVerb): string {
  const values = options.flatMap((option) => (option.value === undefined ? [] : [valueCase(option, option.value)]));
  const words = options.map(({ long }) => long).join(' ');
  const [first] = args;
  return `  ${name})
    case $prev in
${values.join('\n')}
    *)
      if [[ $cur == -* ]]; then _ipt2bpf_words '${words}'; ${first === undefined ? '' : `else ${offer(first.value)}; `}fi
      ;;
    esac
    ;;`;
}

const valueCase = ({ long, short }: ShellOption, value: ValueKind): string =>
  `    ${short === undefined ? long : `${long} | ${short}`}) ${offer(value)} ;;`;

function offer(value: ValueKind): string {
  switch (value.kind) {
    case 'choice':
      return `_ipt2bpf_words '${value.choices.join(' ')}'`;
    case 'file':
      return '_ipt2bpf_files -f';
    case 'folder':
      return '_ipt2bpf_files -d';
    case 'text':
      return ':';
  }
}
