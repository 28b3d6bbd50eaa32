import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, hasCommand, run } from '../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { makeFolder } from '../../bpf-runtime/system/folder.js';
import { parseDump } from '../../grammar/index.js';
import type { Family } from '../../grammar/model/family.js';
import type { Table } from '../../grammar/model/ruleset.js';
import { stateDirectory, writeDurably } from './saved/store.js';

const TOOL = { v4: 'iptables', v6: 'ip6tables' } as const satisfies Record<Family, string>;
const WAIT = ['-w', '60'];
/** Chains of ours, and jumps to them, which stay. */
const OWN = /^(:ipt2bpf|-A \S+ (.* )?-j ipt2bpf|-A ipt2bpf)/;
const BUILTIN = /^:(INPUT|FORWARD|OUTPUT) /;

/** The rules of one IP version that iptables has loaded. */
export interface LiveRules {
  readonly family: Family;
  /** What `iptables-save` prints, without counters. */
  readonly text: string;
  readonly file: string;
}

/** What iptables has loaded; undefined where table filter lets everything pass, or where there is no such tool. */
export function readLiveRules(family: Family): LiveRules | undefined {
  if (!hasCommand(TOOL[family])) return undefined;
  const text = savedText(family);
  const filter = parseDump(text, { family }).ruleset.tables.find(({ name }) => name === 'filter');
  if (filter === undefined || letsEverythingPass(filter)) return undefined;
  return { family, text, file: `live.${family}` };
}

/** Comments name the time, and counters change while packets come: the rules alone are compared. */
function savedText(family: Family): string {
  return `${run(`${TOOL[family]}-save`, [])
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ' [0:0]'))
    .join('\n')}\n`;
}

function letsEverythingPass({ chains }: Table): boolean {
  return chains.every(({ policy, rules }) => rules.length === 0 && (policy === undefined || policy === 'ACCEPT'));
}

/** Chains that other programs change while the machine runs: what they do then the objects do not see. */
const KEPT_BY_OTHERS =
  /^(DOCKER|KUBE-|CNI-|cali-|f2b-|fail2ban|ufw6?-|LIBVIRT_|FWDI?_|FWDO_|IN_|OUT_|sshguard|nixos-fw|NETAVARK|ts-)/;

export function chainsOfOthers({ text, family }: LiveRules): readonly string[] {
  const { tables } = parseDump(text, { family }).ruleset;
  const filter = tables.find(({ name }) => name === 'filter');
  return (filter?.chains ?? []).map(({ name }) => name).filter((name) => KEPT_BY_OTHERS.test(name));
}

/** Throws `bad-state` where iptables has other rules by now than those that were read. */
export function requireUnchanged({ family, text }: LiveRules): void {
  const others = (rules: string): string =>
    rules
      .split('\n')
      .filter((line) => !OWN.test(line))
      .join('\n');
  // Rules of ours that switch connection tracking on are in table raw or mangle, which stay.
  if (filterOf(others(savedText(family))) === filterOf(others(text))) return;
  throw new RuntimeError('bad-state', 'the rules of iptables have changed meanwhile: begin again');
}

function filterOf(text: string): string {
  const from = text.indexOf('*filter');
  return from < 0 ? '' : text.slice(from, text.indexOf('COMMIT', from));
}

/** Takes the rules of table filter away, at once, but for those that answer for our programs. */
export function removeFilterRules(family: Family): void {
  const saved = run(`${TOOL[family]}-save`, ['-t', 'filter']).split('\n');
  const kept = saved.filter((line) => OWN.test(line));
  const heads = saved.flatMap((line) => BUILTIN.exec(line)?.[1] ?? []).map((name) => `:${name} ACCEPT [0:0]`);
  const [chains, rules] = [kept.filter((line) => line.startsWith(':')), kept.filter((line) => line.startsWith('-A'))];
  restoreText(family, ['*filter', ...heads, ...chains, ...rules, 'COMMIT', '']);
}

function restoreText(family: Family, lines: readonly string[]): void {
  const tool = `${TOOL[family]}-restore`;
  try {
    run(tool, WAIT, lines.join('\n'));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new RuntimeError('ruleset-refused', `${tool}: ${(error.stderr || error.stdout).trim()}`);
  }
}

const folder = (root: string): string => join(stateDirectory(root), 'before');
const pathOf = (root: string, family: Family): string => join(folder(root), `rules.${family}`);

/** Keeps the rules for the way back. Returns the path. */
export function keepRules(root: string, { family, text }: LiveRules): string {
  makeFolder(folder(root), 0o700);
  const path = pathOf(root, family);
  writeDurably(path, text);
  return path;
}

/** The rules that are kept for the way back. */
export function keptRules(root: string): readonly LiveRules[] {
  return (['v4', 'v6'] as const).flatMap((family) => {
    const file = pathOf(root, family);
    return existsSync(file) ? [{ family, file, text: readFileSync(file, 'utf8') }] : [];
  });
}

/** Loads table filter as it was; what answers for our programs, as long as they are there, stays in front. */
export function bringBack({ family, text }: LiveRules): void {
  const own = run(`${TOOL[family]}-save`, ['-t', 'filter'])
    .split('\n')
    .filter((line) => OWN.test(line));
  const before = filterOf(text)
    .split('\n')
    .filter((line) => line !== '' && line !== '*filter' && !OWN.test(line));
  const part = (lines: readonly string[], start: string): readonly string[] =>
    lines.filter((line) => line.startsWith(start));
  const lines = [...part(before, ':'), ...part(own, ':'), ...part(own, '-A'), ...part(before, '-A')];
  restoreText(family, ['*filter', ...lines, 'COMMIT', '']);
}

/** What is kept is needed no more. */
export function forgetRules(root: string, { family }: LiveRules): void {
  rmSync(pathOf(root, family), { force: true });
}
