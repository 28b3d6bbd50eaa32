import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, run } from '../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { makeFolder } from '../../bpf-runtime/system/folder.js';
import { parseDump } from '../../grammar/index.js';
import type { Family } from '../../grammar/model/family.js';
import { savedText, toolOf, type IptablesTool, type LiveRules } from './live-rules.js';
import type { RuleChange } from './residual.js';
import { stateDirectory, writeDurably } from './saved/store.js';

const WAIT = ['-w', '60'];
/** Chains of ours, and jumps to them, which stay. */
const OWN = /^(:ipt2bpf|-A \S+ (.* )?-j ipt2bpf|-A ipt2bpf)/;
/** The first line of rules that are kept: a comment for iptables-restore. */
const LOADED_BY = '# loaded by ';
const BUILTIN = /^:(INPUT|FORWARD|OUTPUT) /;

/** Chains that other programs change while the machine runs: what they do then the objects do not see. */
const KEPT_BY_OTHERS =
  /^(DOCKER|KUBE-|CNI-|cali-|f2b-|fail2ban|ufw6?-|LIBVIRT_|FWDI?_|FWDO_|IN_|OUT_|sshguard|nixos-fw|NETAVARK|ts-)/;

export function chainsOfOthers({ text, family }: LiveRules): readonly string[] {
  const { tables } = parseDump(text, { family }).ruleset;
  const filter = tables.find(({ name }) => name === 'filter');
  return (filter?.chains ?? []).map(({ name }) => name).filter((name) => KEPT_BY_OTHERS.test(name));
}

/** Throws `bad-state` where iptables has other rules by now than those that were read. */
export function requireUnchanged({ tool, text }: LiveRules): void {
  const others = (rules: string): string =>
    rules
      .split('\n')
      .filter((line) => !OWN.test(line))
      .join('\n');
  // Rules of ours that switch connection tracking on are in table raw or mangle, which stay.
  if (filterOf(others(savedText(tool))) === filterOf(others(text))) return;
  throw new RuntimeError('bad-state', 'the rules of iptables have changed meanwhile: begin again');
}

function filterOf(text: string): string {
  const from = text.indexOf('*filter');
  return from < 0 ? '' : text.slice(from, text.indexOf('COMMIT', from));
}

const HEAD = /^:(\S+) (\S+) /;

/** Rules, chains and policies of table filter, as words of iptables. */
function filterWords({ text }: LiveRules): { readonly policies: readonly string[]; readonly rules: readonly string[] } {
  const lines = filterOf(text)
    .split('\n')
    .filter((line) => !OWN.test(line));
  const heads = lines.flatMap((line) => {
    const [, chain, policy] = HEAD.exec(line) ?? [];
    return chain === undefined ? [] : [{ chain, policy }];
  });
  return {
    policies: heads.filter(({ policy }) => policy === 'DROP').map(({ chain }) => chain),
    rules: [
      ...heads.filter(({ policy }) => policy === '-').map(({ chain }) => `-N ${chain}`),
      ...lines.filter((line) => line.startsWith('-A ')),
    ],
  };
}

/** What {@link removeFilterRules} changes. */
export function planRemoval(live: LiveRules): RuleChange {
  const { policies, rules } = filterWords(live);
  return { gets: policies.map((chain) => `-P ${chain} ACCEPT`), loses: rules };
}

/** What {@link bringBack} changes, where the table is empty. */
export function planBack(live: LiveRules): RuleChange {
  const { policies, rules } = filterWords(live);
  return { gets: [...policies.map((chain) => `-P ${chain} DROP`), ...rules], loses: [] };
}

/** Takes the rules of table filter away, at once, but for those that answer for our programs. */
export function removeFilterRules({ tool }: LiveRules): void {
  const saved = run(`${tool}-save`, ['-t', 'filter']).split('\n');
  const kept = saved.filter((line) => OWN.test(line));
  const heads = saved.flatMap((line) => BUILTIN.exec(line)?.[1] ?? []).map((name) => `:${name} ACCEPT [0:0]`);
  const [chains, rules] = [kept.filter((line) => line.startsWith(':')), kept.filter((line) => line.startsWith('-A'))];
  restoreText(tool, ['*filter', ...heads, ...chains, ...rules, 'COMMIT', '']);
}

function restoreText(tool: IptablesTool, lines: readonly string[]): void {
  try {
    run(`${tool}-restore`, WAIT, lines.join('\n'));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new RuntimeError('ruleset-refused', `${tool}-restore: ${(error.stderr || error.stdout).trim()}`);
  }
}

const folder = (root: string): string => join(stateDirectory(root), 'before');
/** Where the rules of an IP version are kept for the way back. */
export const keptAt = (root: string, family: Family): string => join(folder(root), `rules.${family}`);

/** Keeps the rules for the way back. Returns the path. */
export function keepRules(root: string, { family, tool, text }: LiveRules): string {
  makeFolder(folder(root), 0o700);
  const path = keptAt(root, family);
  writeDurably(path, `${LOADED_BY}${tool}\n${text}`);
  return path;
}

/** The rules that are kept for the way back. */
export function keptRules(root: string): readonly LiveRules[] {
  return (['v4', 'v6'] as const).flatMap((family) => {
    const file = keptAt(root, family);
    return existsSync(file) ? [keptIn(file, family)] : [];
  });
}

function keptIn(file: string, family: Family): LiveRules {
  const text = readFileSync(file, 'utf8');
  const [first, ...rest] = text.split('\n');
  const tool = first.startsWith(LOADED_BY) ? toolOf(first.slice(LOADED_BY.length), family) : undefined;
  if (tool === undefined) throw new RuntimeError('bad-state', `${file}: its first line does not say what loads it`);
  return { family, tool, file, text: rest.join('\n') };
}

/** Loads table filter as it was; what answers for our programs, as long as they are there, stays in front. */
export function bringBack({ tool, text }: LiveRules): void {
  const own = run(`${tool}-save`, ['-t', 'filter'])
    .split('\n')
    .filter((line) => OWN.test(line));
  const before = filterOf(text)
    .split('\n')
    .filter((line) => line !== '' && line !== '*filter' && !OWN.test(line));
  const part = (lines: readonly string[], start: string): readonly string[] =>
    lines.filter((line) => line.startsWith(start));
  const lines = [...part(before, ':'), ...part(own, ':'), ...part(own, '-A'), ...part(before, '-A')];
  restoreText(tool, ['*filter', ...lines, 'COMMIT', '']);
}

/** What is kept is needed no more. */
export function forgetRules(root: string, { family }: LiveRules): void {
  rmSync(keptAt(root, family), { force: true });
}
