import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { MatchModule, TargetModule } from '../../../grammar/modules/define.js';
import { withOwnLock } from '../../support/lock.js';
import { PLAIN, readWords, type Place } from './support.js';

/** Words behind `-m name` / `-j NAME`, and the canonical ones; no `want` where they are refused. */
export interface Row {
  readonly words: string | readonly string[];
  readonly want?: string;
  /** How the tool prints them, where that has quotes; else as in `want`. */
  readonly saved?: string;
  readonly context?: Place;
  /** iptables before 1.8.11 read or printed it otherwise: asked of the tools in IPT2BPF_IPTABLES alone. */
  readonly newer?: true;
  /** Why the tool is not asked. */
  readonly notAsked?: string;
}

/** Shorthand for many rows: `[words, want]`, or `[words]` for refused ones. */
export function rows(context: Place, ...list: readonly (readonly [string | readonly string[], string?])[]): Row[] {
  return list.map(([words, want]) => ({ words, want, context }));
}

type AnyModule = MatchModule | TargetModule;

/** One test a row, and one that asks the installed iptables the same. */
export function testRows(module: AnyModule, list: readonly Row[]): void {
  describe(`words of ${module.name}`, () => {
    it.each(list.map((row) => ({ ...row, title: title(row) })))('$title', ({ words, want, context }) => {
      const reading = readWords(module, words, context ?? PLAIN);
      if (want === undefined) expect(reading.ok, 'refused').toBe(false);
      else expect(reading.ok ? reading.words : reading.errors).toBe(want);
    });
    const asked = list.filter((row) => row.notAsked === undefined && (row.newer !== true || GIVEN_TOOLS !== undefined));
    it.skipIf(TOOL === undefined)(
      `as iptables reads them${TOOL === undefined ? ' (needs root and iptables-legacy)' : ''}`,
      () => {
        const answers = askTool(module, asked);
        expect(answers).toEqual(
          asked.map((row) => ({
            rule: ruleText(module, row.words, row.context ?? PLAIN),
            saved: savedText(module, row),
          })),
        );
      },
    );
  });
}

function title({ words, want, context }: Row): string {
  const where = context === undefined ? '' : ` (${context.family}, ${context.table} ${context.chain})`;
  return `${asText(words)}${where} → ${want ?? 'refused'}`;
}

function asText(words: string | readonly string[]): string {
  return typeof words === 'string' ? words : words.map((word) => quote(word)).join(' ');
}

function quote(word: string): string {
  return /^[-\w:/.,!+]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}

function headText({ chain, protocol }: Place): string {
  const inverted = protocol?.inverted === true ? '! ' : '';
  return `-A ${chain} ${protocol === undefined ? '' : `${inverted}-p ${protocol.number} `}`;
}

function ruleText(module: AnyModule, words: string | readonly string[], context: Place): string {
  return `${headText(context)}${module.kind === 'match' ? '-m' : '-j'} ${module.name} ${asText(words)}`.trimEnd();
}

function savedText(module: AnyModule, { want, saved = want }: Row): string | undefined {
  if (saved === undefined) return undefined;
  return `${module.kind === 'match' ? '-m' : '-j'} ${module.printName ?? module.name} ${saved}`.trimEnd();
}

/** Folder with iptables-save, ip6tables-restore and so on, where they are not the installed ones. */
const GIVEN_TOOLS = process.env.IPT2BPF_IPTABLES;

/** Names of the tools; undefined where they cannot be asked. */
const TOOL = findTool();

function findTool(): ((family: 'v4' | 'v6', verb: 'save' | 'restore') => string) | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (GIVEN_TOOLS !== undefined)
    return (family, verb) => `${GIVEN_TOOLS}/${family === 'v4' ? 'iptables' : 'ip6tables'}-${verb}`;
  const found = spawnSync('sh', ['-c', 'command -v iptables-legacy-restore unshare']);
  if (found.status !== 0) return undefined;
  return (family, verb) => `${family === 'v4' ? 'iptables' : 'ip6tables'}-legacy-${verb}`;
}

interface ToolAnswer {
  readonly rule: string;
  /** The rule as saved, from `-m name` / `-j NAME` on; undefined if it was refused. */
  readonly saved: string | undefined;
}

/** Loads each row by itself into a network namespace that lives as long as the script. */
function askTool(module: AnyModule, list: readonly Row[]): ToolAnswer[] {
  if (TOOL === undefined) return [];
  const rules = list.map((row) => ruleText(module, row.words, row.context ?? PLAIN));
  const script = list.map((row, i) => {
    const { family, table, chain } = row.context ?? PLAIN;
    const builtin = /^[A-Z]+$/.test(chain) ? '' : `:${chain} - [0:0]\n`;
    return [
      `${TOOL(family, 'restore')} 2>/dev/null <<'RULES' && ${TOOL(family, 'save')} -t ${table} | grep '^-A' || echo refused`,
      `*${table}\n${builtin}${rules[i]}\nCOMMIT`,
      'RULES',
    ].join('\n');
  });
  const output = withOwnLock((lock) =>
    execFileSync('unshare', ['-n', 'sh'], {
      input: script.join('\n'),
      encoding: 'utf8',
      env: { ...process.env, XTABLES_LOCKFILE: lock },
    }),
  );
  const lines = output.trimEnd().split('\n');
  return rules.map((rule, i) => ({ rule, saved: lines[i] === 'refused' ? undefined : fromModule(lines[i], module) }));
}

/** Cuts `-A CHAIN`, `-p NAME` off. */
function fromModule(line: string, module: AnyModule): string {
  const marker = `${module.kind === 'match' ? '-m' : '-j'} ${module.printName ?? module.name}`;
  const at = line.indexOf(marker);
  return at < 0 ? line : line.slice(at);
}
