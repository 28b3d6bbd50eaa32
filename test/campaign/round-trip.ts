import { spawnSync } from 'node:child_process';
import { parseDump, printDump, type Family } from '../../grammar/index.js';
import { run } from '../../bpf-runtime/system/command.js';
import { withNetworkNamespace } from '../../bpf-runtime/system/namespace.js';
import { ipsetText } from './ipsets.js';

/** Why no dump can be loaded here, undefined where it can. */
export const NO_TOOL: string | undefined =
  process.getuid?.() !== 0
    ? 'needs root'
    : spawnSync('sh', ['-c', 'command -v iptables-legacy-restore ip6tables-legacy-restore ipset']).status !== 0
      ? 'needs iptables-legacy and ipset'
      : undefined;

/**
 * Names that some collected dumps use, and what they stand for: iptables would ask the machine that it runs on. The
 * dumps are read with the values in their place.
 */
const NAMES: readonly (readonly [string, string])[] = [
  ['ntp.example.net', '192.0.2.1'],
  ['6bone.net', '2001:db8::1'],
  ['ny6ix.net', '2001:db8::2'],
  ['--uid-owner vic', '--uid-owner 4000'],
];

export function withoutNames(text: string): string {
  return NAMES.reduce((resolved, [name, value]) => resolved.replaceAll(name, value), text);
}

/** What the real tool saves after it has loaded the text; throws with its message where it refuses the text. */
export function savedByTool(text: string, family: Family): string {
  const tool = family === 'v4' ? 'iptables-legacy' : 'ip6tables-legacy';
  return withNetworkNamespace(() => {
    const sets = ipsetText(text, family);
    if (sets !== '') run('ipset', ['restore'], sets);
    run(`${tool}-restore`, ['-w', '60'], registration(text));
    run(`${tool}-restore`, ['-w', '60'], text);
    return run(`${tool}-save`, []);
  });
}

/**
 * Empty tables in reverse. The kernel lists its tables in reverse order of their first use, whatever the text that is
 * loaded later; after this it lists them in the order of the text.
 */
function registration(text: string): string {
  const names = [...new Set([...text.matchAll(/^\* *(\w+)/gm)].map(([, name]) => name))];
  return names.reverse().reduce((lines, name) => `${lines}*${name}\nCOMMIT\n`, '');
}

/** What `print` makes of the text; throws where it has errors. */
export function printed(text: string, family: Family): string {
  const { ruleset, diagnostics } = parseDump(text, { family });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(({ line, message }) => `line ${line}: ${message}`).join('\n'));
  return printDump(ruleset);
}

/** A saved dump without its comments (which hold dates), all counters zero, rules without any. */
export function withoutMoment(text: string): string {
  return text
    .replace(/^#.*\n/gm, '')
    .replace(/^(:.*) \[\d+:\d+\]$/gm, '$1 [0:0]')
    .replace(/^\[\d+:\d+\] /gm, '');
}
