/** What is handed to the command line that is no dump, or no whole one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { visible } from '../../../src/cli/output.js';
import { writePcap } from '../../../src/packet/index.js';
import { run } from './run.js';

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const rules = (...lines: readonly string[]): string =>
  `${['*filter', ':INPUT DROP [0:0]', ...lines, 'COMMIT'].join('\n')}\n`;

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('a file that is no dump', () => {
  const cases: readonly { name: string; content: string | Uint8Array; want: RegExp }[] = [
    {
      name: 'an object',
      content: Buffer.from('\x7fELF\x02\x01\x01\0\0\0', 'latin1'),
      want: /not-a-dump\]: this is an ELF file/,
    },
    { name: 'gzip', content: Uint8Array.of(0x1f, 0x8b, 8, 0), want: /compressed: unpack it/ },
    { name: 'UTF-16', content: Buffer.from('\ufeff*filter\n', 'utf16le'), want: /UTF-16 text: convert it/ },
    {
      name: 'a binary file',
      content: Uint8Array.from({ length: 100 }, (_, i) => i % 7),
      want: /this is a binary file/,
    },
    { name: 'nft rules', content: 'table ip filter {\n}\n', want: /the output of nft list ruleset/ },
    { name: 'a listing', content: 'Chain INPUT (policy ACCEPT)\ntarget prot\n', want: /the output of iptables -L/ },
    { name: 'commands', content: '-P INPUT ACCEPT\n-A INPUT -j DROP\n', want: /the output of iptables -S/ },
    { name: 'sets', content: 'create bad hash:ip family inet\n', want: /the output of ipset save/ },
    { name: 'a script', content: '#!/bin/sh\niptables -A INPUT -j DROP\n', want: /a script of iptables commands/ },
    { name: 'bare commands', content: '# my rules\nsudo /sbin/iptables -F\n', want: /a script of iptables commands/ },
  ];
  it.each(cases)('is named: $name', async ({ name, content, want }) => {
    const result = await run('check', file(name.replaceAll(' ', '-'), content));
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(want);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('is refused where it is larger than any dump, and before it is read where it has no end', async () => {
    const large = file('large.v4', Buffer.alloc((64 << 20) + 1, '#'));
    const result = await run('check', large);
    expect(result).toMatchObject({
      exit: 2,
      stderr: `${large}:1:1: error[too-large]: the file is larger than 64 MiB`,
    });
    rmSync(large);
    expect(await run('check', '/dev/zero')).toMatchObject({
      exit: 2,
      stderr: 'ipt2bpf: error[too-large]: /dev/zero: the file is too large: more than 256 MiB',
    });
  });

  it('is not recognised in a dump with typos', async () => {
    const result = await run('check', file('typo', rules('iptables -A INPUT -j DROP')));
    expect(result.exit).toBe(2);
    expect(result.stderr).toMatch(/typo:3:1: error\[(?!not-a-dump)/);
  });
});

describe('an empty dump', () => {
  const empty = file('empty.v4', '# nothing\n');
  const cases: readonly { name: string; args: readonly string[] }[] = [
    { name: 'check', args: ['check', empty] },
    { name: 'check of a chain', args: ['check', empty, '--hook', 'tc', '--chain', 'OUTPUT'] },
    { name: 'compile', args: ['compile', empty, '--hook', 'tc', '--chain', 'INPUT', '-o', join(folder, 'x.o')] },
    { name: 'verify', args: ['verify', empty, '--hook', 'tc', '--chain', 'INPUT'] },
    { name: 'explain', args: ['explain', empty, '--packet', 'tcp 192.0.2.1:1 > 192.0.2.2:2'] },
    { name: 'query', args: ['query', empty, 'all'] },
    { name: 'test', args: ['test', empty, file('any.yaml', 'intents:\n  - packets: all\n    expect: accepted\n')] },
  ];
  it.each(cases)('is trouble for $name', async ({ args }) => {
    const result = await run(...args);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(/empty\.v4: there is no table in it/);
  });

  it('is an answer for print and diff, with a warning', async () => {
    expect(await run('print', empty)).toMatchObject({ exit: 0, stdout: '', stderr: expect.stringMatching(/no table/) });
    const other = await run('diff', empty, file('one.v4', rules('-A INPUT -j ACCEPT')));
    expect(other).toMatchObject({ exit: 1, stdout: expect.stringMatching(/^\+-A INPUT -j ACCEPT$/m) });
  });
});

describe('bytes that are not UTF-8', () => {
  it('are refused where they could make two names one', async () => {
    const result = await run(
      'print',
      file('latin1.v4', latin1(rules('-A INPUT -i d\xf6 -j ACCEPT', '-A INPUT -i d\xe4 -j DROP'))),
    );
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(/latin1\.v4:3:14: error\[not-utf8\][\s\S]*latin1\.v4:4:14: error\[not-utf8\]/);
  });

  it('are let be in comments of the file', async () => {
    const result = await run('check', file('comment.v4', latin1(`# \xf6ffentlich\n${rules('-A INPUT -j ACCEPT')}`)));
    expect(result).toMatchObject({ exit: 0, stderr: '' });
  });
});

describe('control characters', () => {
  it.each([
    { name: 'escape', have: '\u001b[31m', want: '␛[31m' },
    { name: 'carriage return', have: 'a\rb', want: 'a␍b' },
    { name: 'delete and C1', have: '\u007f\u009b1m', want: '␡␡1m' },
    { name: 'newline and tabulator stay', have: 'a\n\tb', want: 'a\n\tb' },
  ])('$name', ({ have, want }) => {
    expect(visible(have)).toBe(want);
  });

  it('of a dump do not reach the terminal', async () => {
    const comment = '-A INPUT -m comment --comment "\u001b]0;title\u0007" -m conntrack --ctstate NEW -j ACCEPT';
    const bad = file('escape.v4', rules(comment));
    const check = await run('check', bad, '--hook', 'xdp', '--chain', 'INPUT');
    expect(check.exit).toBe(1);
    expect(check.stdout).toContain('␛]0;title␇');
    const typo = await run('check', file('escape-typo.v4', rules('-A INPUT -j "\u001b[2J"')));
    expect(typo.exit).toBe(2);
    expect(check.stdout + typo.stderr).not.toContain('\u001b');
  });
});

describe('a dump of the other IP version', () => {
  const ping = rules('-A INPUT -s 192.0.2.1/32 -p icmp -m icmp --icmp-type 8 -j ACCEPT');
  it.each([
    {
      name: 'whose name says this one',
      path: file('four.v6', ping),
      args: [],
      want: /four\.v6: 2 errors \(it was read as IPv6; as IPv4, with --family v4, it has none\)/,
    },
    { name: 'that is asked for', path: file('asked.v4', ping), args: ['--family', 'v6'], want: /asked\.v4: 2 errors$/ },
    {
      name: 'that is wrong as both',
      path: file('both.v6', rules('-A INPUT -s 192.0.2.1/32 -j DORP')),
      args: [],
      want: /both\.v6: 2 errors$/,
    },
  ])('$name', async ({ path, args, want }) => {
    const result = await run('check', path, ...args);
    expect(result).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringMatching(want) });
  });
});

describe('a capture', () => {
  const dump = file('capture.v4', rules('-A INPUT -j ACCEPT'));
  const args = ['verify', dump, '--hook', 'xdp', '--chain', 'INPUT', '--engines', 'interpreter', '--pcap'];
  it.each([
    { name: 'without a packet', content: writePcap([]), want: /none\.pcap: there is no packet in it/ },
    { name: 'that is none', content: 'hello', want: /none\.pcap: too short for a capture file/ },
  ])('$name is trouble', async ({ content, want }) => {
    const result = await run(...args, file('none.pcap', content));
    expect(result).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringMatching(want) });
  });
});

describe('wrong options', () => {
  const dump = file('ok.v4', rules('-A INPUT -j ACCEPT'));
  const at = ['--hook', 'xdp', '--chain', 'INPUT'];
  const cases: readonly { name: string; args: readonly string[]; want: RegExp }[] = [
    {
      name: 'all that is missing at once',
      args: ['compile', dump],
      want: /compile needs --hook xdp\|tc\S*, --chain .* and -o <file>\n\(see ipt2bpf compile --help\)/,
    },
    {
      name: 'a typo before what is missing',
      args: ['compile', dump, '--hok', 'xdp'],
      want: /unknown option '--hok'\n\(Did you mean --hook\?\)/,
    },
    { name: 'a value', args: ['check', dump, '--hook', 'xpd'], want: /'xpd' is invalid\. Did you mean xdp\?/ },
    { name: 'a value in small letters', args: ['check', dump, '--chain', 'input'], want: /Did you mean INPUT\?/ },
    { name: 'a value like no other', args: ['check', dump, '--hook', 'wifi'], want: /It is one of xdp, tc\b/ },
    {
      name: 'a clock that is no number',
      args: ['check', dump, '--hz', 'fast'],
      want: /'fast' is invalid\. It is a whole number from 1 to 10000/,
    },
    { name: 'a clock that stands still', args: ['check', dump, '--hz', '0'], want: /whole number/ },
    { name: 'no packets', args: ['verify', dump, ...at, '--packets', '0'], want: /whole number from 1/ },
    { name: 'a seed in parts', args: ['verify', dump, ...at, '--seed', '1.5'], want: /whole number from 0/ },
    {
      name: 'the reference alone',
      args: ['verify', dump, ...at, '--engines', 'model'],
      want: /name an engine to compare it with/,
    },
    {
      name: 'an engine with a typo',
      args: ['verify', dump, ...at, '--engines', 'interpeter'],
      want: /did you mean interpreter\?/,
    },
    { name: 'a dump too many', args: ['print', dump, dump], want: /too many arguments/ },
    {
      name: 'a chain that the hook never sees',
      args: ['compile', dump, '--hook', 'xdp', '--chain', 'OUTPUT', '-o', join(folder, 'o.o')],
      want: /error\[no-hook\].*use --hook tc[\s\S]*nothing was written/,
    },
    {
      name: 'a table without the chain',
      args: ['explain', dump, '--packet', 'tcp 192.0.2.1:1 > 192.0.2.2:2', '--table', 'raw'],
      want: /table raw has no chain INPUT/,
    },
    {
      name: 'object and JSON on one stream',
      args: ['compile', dump, ...at, '-o', '-', '--json'],
      want: /only one of .* can go to stdout/,
    },
    { name: 'standard input twice', args: ['diff', '-', '-'], want: /only one side/ },
    { name: 'a folder as dump', args: ['print', folder], want: /is a folder/ },
    {
      name: 'a shell with a typo',
      args: ['completion', 'fisch'],
      want: /argument 'shell' 'fisch' is invalid\. Did you mean fish\?/,
    },
    {
      name: 'help for a verb with a typo',
      args: ['help', 'complie'],
      want: /unknown command 'complie'\n\(Did you mean compile\?\)/,
    },
    { name: 'no verb', args: [], want: /Usage: ipt2bpf/ },
  ];
  it.each(cases)('$name', async ({ args, want }) => {
    const result = await run(...args);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(want);
  });
});

describe('explain past what it does not know', () => {
  const dump = file(
    'limit.v4',
    rules(
      '-A INPUT -p tcp -m limit --limit 1/sec -j LOG',
      '-A INPUT -p tcp -j REJECT',
      '-A INPUT -m limit --limit 1/sec -j ACCEPT',
    ),
  );
  it.each([
    {
      name: 'one verdict whatever the answer',
      packet: 'tcp 192.0.2.1:1 > 192.0.2.2:2 in eth0',
      exit: 0,
      want: /rule 1 of INPUT asks .*\(limit\)\n=> REJECT \(icmp-port-unreachable\), whatever the answer\n$/,
    },
    {
      name: 'two verdicts',
      packet: 'udp 192.0.2.1:1 > 192.0.2.2:2 in eth0',
      exit: 1,
      want: /rule 3 of INPUT asks .*\(limit\)\n=> ACCEPT or DROP\n$/,
    },
  ])('$name', async ({ packet, exit, want }) => {
    const result = await run('explain', dump, '--packet', packet);
    expect(result.exit).toBe(exit);
    expect(result.stdout).toMatch(want);
  });
});
