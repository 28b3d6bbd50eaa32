import type { ShellArgument, ShellOption, ShellVerb, ValueKind } from './command-line.js';

export function zshCompletion(verbs: readonly ShellVerb[]): string {
  return `#compdef ipt2bpf
# Completion of ipt2bpf for zsh: source <(ipt2bpf completion zsh), behind compinit
_ipt2bpf() {
  local -a verbs
  verbs=(
${verbs.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`).join('\n')}
    'help:print the help of a verb'
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=\${words[2]}
  shift words
  (( CURRENT-- ))
  case $verb in
${verbs.map(verbCase).join('\n')}
    help) _describe verb verbs ;;
  esac
}
if [[ "\${funcstack[1]}" == _ipt2bpf ]]; then _ipt2bpf "$@"; else compdef _ipt2bpf ipt2bpf; fi
`;
}

function verbCase({ name, options, arguments: args }: ShellVerb): string {
  const specs = [...options.map(optionSpec), ...args.map(argumentSpec)];
  return `    ${name})
      _arguments \\
${specs.map((spec) => `        ${quoted(spec)}`).join(' \\\n')}
      ;;`;
}

function optionSpec({ long, description, value, placeholder }: ShellOption): string {
  const text = description.replaceAll(/([[\]:\\])/g, '\\$1');
  if (value === undefined) return `${long}[${text}]`;
  return `${long}=[${text}]:${(placeholder ?? '').replaceAll(/[^\w-]/g, '')}:${action(value)}`;
}

const argumentSpec = ({ name, required, value }: ShellArgument): string =>
  `${required ? ':' : '::'}${name}:${action(value)}`;

function action(value: ValueKind): string {
  switch (value.kind) {
    case 'choice':
      return `(${value.choices.join(' ')})`;
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'text':
      return ' ';
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
