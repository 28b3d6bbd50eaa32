import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MATCHES, TARGETS } from '../../grammar/modules/index.js';
import { parseDump, printDump, printRule, type Diagnostic, type Ruleset } from '../../grammar/index.js';

/** Folder of dumps that real systems have, with what iptables-save made of them. */
const SHARED = process.env.IPT2BPF_SHARED ?? '';
const present = SHARED !== '' && existsSync(join(SHARED, 'dumps'));
const reason = present ? '' : ' (needs IPT2BPF_SHARED)';
/** A user of two dumps, by the number it had when their saved text was made. */
const withUsers = (text: string): string => text.replaceAll('--uid-owner vic', '--uid-owner 4000');

const read = (...path: readonly string[]): string => readFileSync(join(SHARED, ...path), 'utf8');
const list = (folder: string): readonly string[] =>
  present ? readdirSync(join(SHARED, folder)).filter((name) => /\.v[46]$/.test(name)) : [];

/** What the names of two dumps stood for when their saved text was made. */
const HOSTS = new Map([
  ['ntp.example.net', ['192.0.2.1']],
  ['6bone.net', ['2001:db8::1']],
  ['ny6ix.net', ['2001:db8::2']],
]);

function errors(diagnostics: readonly Diagnostic[]): readonly string[] {
  const found = diagnostics.filter(({ severity }) => severity === 'error');
  return found.map(({ line, column, code }) => `${line}:${column} ${code}`);
}

/** Lines of each table without comments and counters. */
function tables(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const found = new Map<string, string[]>();
  let table: string[] = [];
  for (const line of lines) {
    if (line.startsWith('*')) found.set(line, (table = []));
    else table.push(line.replace(/^\[\d+:\d+\] /, '').replace(/^(:.*) \[\d+:\d+\]$/, '$1'));
  }
  return found;
}

const DESCRIBED = new Set([...MATCHES, ...TARGETS].map(({ name }) => name));

/** Names of modules that are kept verbatim. */
function unknownModules({ tables: all }: Ruleset): ReadonlySet<string> {
  const rules = all.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
  const names = rules.flatMap(({ matches, target }) => [
    ...matches.map(({ name }) => name),
    ...(target.name === undefined || target.effect.kind === 'jump' ? [] : [target.name]),
  ]);
  return new Set(names.filter((name) => !DESCRIBED.has(name)));
}

describe.skipIf(!present)(`real dumps${reason}`, () => {
  it.each(list('dumps'))('%s', (name) => {
    const { ruleset, diagnostics } = parseDump(withUsers(read('dumps', name)), { file: name, hosts: HOSTS });
    expect(errors(diagnostics)).toEqual([]);
    if (unknownModules(ruleset).size > 0) return;
    const saved = tables(read('dumps', 'saved', name));
    for (const [table, lines] of tables(printDump(ruleset))) expect(lines).toEqual(saved.get(table));
  });

  it.each(list('dumps'))('%s without declared names', (name) => {
    expect(errors(parseDump(read('dumps', name), { file: name }).diagnostics)).toEqual([]);
  });

  it('compares the text of most of them', () => {
    const known = list('dumps').filter((name) => {
      const { ruleset } = parseDump(read('dumps', name), { file: name, hosts: HOSTS });
      return unknownModules(ruleset).size === 0;
    });
    expect(known.length).toBeGreaterThan(100);
  });
});

interface Refused {
  readonly name: string;
  readonly want: string | undefined;
}

/** First error of each file at the line that iptables names, or where its COMMIT failed the rule to blame. */
const REFUSED: readonly Refused[] = [
  { name: 'batfish-unsup-opts.v4', want: '10:13 wrong-protocol' },
  { name: 'bootc-fspv.v4', want: '9:25 bad-policy' },
  { name: 'bootc-fspv.v6', want: '9:25 bad-policy' },
  { name: 'bridged-fw-nonl.v4', want: '19:1 bad-argument' },
  { name: 'bridged-fw.v4', want: '19:1 bad-argument' },
  { name: 'ddos-leolios.v4', want: '27:1 table-not-closed' },
  { name: 'fwb-firewall25.v4', want: '28:23 bad-inversion' },
  { name: 'fwb-firewall27.v4', want: '17:22 bad-inversion' },
  { name: 'fwb-firewall38.v4', want: '15:15 bad-inversion' },
  { name: 'is-parser-test.v4', want: '12:55 unknown-option' },
  // Where its IP set exists: an empty address, so that the next option is taken for it.
  { name: 'kube-ipvs-nat-garbled.v4', want: '33:122 bad-value' },
  { name: 'moyo-router-nonl.v4', want: '12:1 bad-commit' },
  { name: 'nn-private-root.v4', want: '23:13 bad-address' },
  { name: 'nn-ugent-1421.v4', want: '71:39 bad-inversion' },
  { name: 'nn-ugent.v4', want: '71:50 bad-inversion' },
  { name: 'nn-veroneau-trailing-blank.v4', want: '269:1 bad-commit' },
  { name: 'nn-vsrv-crlf.v4', want: '2:5 crlf' },
  { name: 'ntp-stratum1.v4', want: '9:34 bad-address' },
  { name: 'proxmox-tunnel-nonl.v4', want: '192:1 bad-commit' },
  { name: 'tor-router.v6', want: '40:14 bad-address' },
  { name: 'ufw-before-fragment.v4', want: '30:55 unknown-target' },
  { name: 'ufw-before-fragment.v6', want: '34:56 unknown-target' },
  { name: 'web-linux-gda.v4', want: '6:86 unknown-option' },
  { name: 'web-openwrt-aa-wrapped.v4', want: '1:1 no-table' },
  { name: 'web-pastebin-bbWXHaTn-nonl.v4', want: undefined },
];

describe.skipIf(!present)(`dumps that iptables refuses${reason}`, () => {
  it.each(REFUSED)('$name', ({ name, want }) => {
    expect(errors(parseDump(read('dumps-broken', name), { file: name }).diagnostics)[0]).toBe(want);
  });
});

interface Probe {
  readonly name: string;
  readonly input: string;
  readonly legacy: string;
  readonly result: string;
}

/** iptables 1.8.11 keeps a test that 1.8.9 forgets, and takes values glued to core options. */
const NEWER = new Map([
  ['! full range', '-A INPUT -p tcp -m tcp ! --dport 0:65535 -j ACCEPT'],
  ['--opt=value', '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'],
  ['-ptcp glued', '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'],
]);

function probes(): readonly Probe[] {
  if (!present) return [];
  const rows = read('notes', 'format-probes.tsv').split('\n').slice(1);
  return rows
    .filter((row) => row !== '')
    .map((row) => {
      const [name, input, legacy, result] = row.split('\t');
      return { name, input, legacy, result };
    });
}

/** Probes that are whole files stand as they are, the others in a filter table with a chain U. */
function probeText({ name, input }: Probe): string {
  const text = input.replaceAll(/ ?⏎ ?/g, '\n').replaceAll('<TAB>', '\t').replaceAll('<CR>', '\r');
  const whole = /^(?:[*\ufeff]|# x)/.test(text) || text === '' || name === 'no table';
  // The one that holds a single blank on a line of its own.
  const body = name === 'line with one blank' ? ` \n${text.trimStart()}` : text;
  if (name === 'COMMIT + blank') return text.replace(/COMMIT\n*$/, 'COMMIT \n');
  if (whole) return text;
  return `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:U - [0:0]\n${body}\nCOMMIT\n`;
}

/** Printed lines beside those of an empty table, with ⏎ between. */
function probeResult(printed: string): string {
  const lines = printed.replace(/^COMMIT\n/gm, '').split('\n');
  const shown = lines.filter((line) => line !== '' && !/^\*|^:U - |^:[A-Z]+ ACCEPT/.test(line));
  return shown.map((line) => line.replace(/^\[\d+:\d+\] /, '')).join('⏎');
}

describe.skipIf(!present)(`probes of the format${reason}`, () => {
  it.each(probes())('$name: $input', (probe) => {
    const { ruleset, diagnostics } = parseDump(probeText(probe));
    const have = errors(diagnostics).length > 0 ? 'refused' : probeResult(printDump(ruleset));
    const older = probe.legacy === 'ok' ? probe.result.replaceAll(/ ?⏎ ?/g, '⏎') : 'refused';
    const want = NEWER.get(probe.name) ?? older;
    expect(have).toBe(want);
  });
});

interface Case {
  readonly id: string;
  readonly kind: string;
  readonly family: 'v4' | 'v6' | 'both';
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
  readonly expect: 'OK' | 'FAIL';
  readonly save: string | null;
  readonly tool?: { readonly agrees: boolean };
}

/** Rules of iptables' own suite that use no module; those of which the installed tool thinks otherwise are left out. */
function coreCases(): readonly Case[] {
  if (!present) return [];
  const cases = read('iptables-t', 'cases.jsonl')
    .trimEnd()
    .split('\n')
    .map((line): Case => JSON.parse(line));
  return cases.filter(({ kind, tool }) => kind === 'core' && tool?.agrees !== false);
}

describe.skipIf(!present)(`core cases of iptables' suite${reason}`, () => {
  it.each(coreCases())('$id $rule', ({ family, table, chain, rule, expect: outcome, save }) => {
    for (const each of family === 'both' ? (['v4', 'v6'] as const) : [family]) {
      const { ruleset, diagnostics } = parseDump(`*${table}\n-A ${chain} ${rule}\nCOMMIT\n`, { family: each });
      const rules = ruleset.tables[0].chains.find(({ name }) => name === chain)?.rules ?? [];
      const have = errors(diagnostics).length > 0 ? 'FAIL' : rules.map(printRule);
      expect(have).toEqual(outcome === 'FAIL' ? 'FAIL' : [save]);
    }
  });
});
