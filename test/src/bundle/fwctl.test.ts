/** A bundle on a host that has no Node: in a namespace, with a PATH that holds nothing but what the README says. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../cli/run.js';
import { Session } from '../../docs/support/session.js';
import { missing } from '../../support/machine.js';

const BASE =
  'awk basename cat cut date dirname grep id ls mkdir mktemp mount nohup rm rmdir sed sh sha256sum sleep uname';
const TOOLS = [...BASE.split(' '), 'bpftool', 'ip', 'tc'];

const rules = (...lines: readonly string[]): string =>
  `${['*filter', ':INPUT DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...lines, 'COMMIT'].join('\n')}\n`;

const STRICT = rules(
  '-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset',
  '-A OUTPUT -p udp -m udp --dport 137 -j DROP',
);
const OPEN = rules('-A INPUT -p tcp -m tcp --dport 25:26 -j ACCEPT');

const lacking = missing(['root', 'bpftool', 'ip', 'tc', 'unshare', 'nsenter', 'timeout', 'tar']);
const NAME = lacking.length === 0 ? 'fwctl' : `fwctl (needs ${lacking.join(', ')})`;

describe.skipIf(lacking.length > 0)(NAME, () => {
  let session: Session;
  beforeAll(async () => {
    session = new Session('/nonexistent');
    const path = join(session.folder, 'path');
    mkdirSync(path);
    for (const tool of TOOLS) {
      symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(path, tool));
    }
    for (const [folder, text] of [
      ['strict', STRICT],
      ['open', OPEN],
    ] as const) {
      const archive = join(session.folder, `${folder}.tar.gz`);
      session.put(`${folder}.v4`, { text });
      const result = await run('bundle', join(session.folder, `${folder}.v4`), '-o', archive);
      expect(result.stderr).toMatch(/bundle fw [0-9a-f]{12}: /);
      mkdirSync(join(session.folder, folder));
      execFileSync('tar', ['-xzf', archive, '-C', join(session.folder, folder)]);
    }
  }, 60_000);
  afterAll(() => session?.close());

  /** Types a command on the host without Node. */
  function typed(text: string): { readonly out: string; readonly status: number } {
    const environment = `PATH=${session.folder}/path FWCTL_STATE=${session.folder}/state`;
    const { lines, status } = session.run(`${environment} sh -c '${text}'`, 'namespace');
    return { out: lines.join('\n'), status };
  }

  /** What a neighbour finds at a port where nobody listens: the stack refuses, the filter says nothing. */
  function knock(port: number): 'refused' | 'silence' {
    const { status } = session.run(`timeout 1 bash -c '< /dev/tcp/192.0.2.1/${port}'`, 'neighbour');
    return status === 124 ? 'silence' : 'refused';
  }

  it('has no Node, and nothing in force', () => {
    expect(typed('node --version').status).toBe(127);
    expect(typed('strict/fw/fwctl status')).toEqual({ out: 'nothing of fw is in force', status: 1 });
    expect(typed('strict/fw/fwctl detach')).toMatchObject({ status: 2 });
    expect(knock(26)).toBe('refused');
  });

  it('does not attach files that were changed', () => {
    session.run('cp -r strict bent; echo >> bent/fw/xdp.o');
    const { out, status } = typed('bent/fw/fwctl attach eth0');
    expect({ out, status }).toMatchObject({ status: 2, out: expect.stringMatching(/xdp\.o: FAILED/) });
    expect(knock(26)).toBe('refused');
  });

  const busybox = missing(['busybox']).length > 0;
  it.skipIf(busybox)(busybox ? 'runs with BusyBox (needs busybox)' : 'runs with BusyBox', () => {
    const box = (text: string): { readonly out: string; readonly status: number } => {
      const environment = `PATH=${session.folder}/path FWCTL_STATE=${session.folder}/state`;
      const { lines, status } = session.run(`${environment} ${boxPath} sh ${text}`, 'namespace');
      return { out: lines.join('\n'), status };
    };
    const boxPath = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
    expect(box('bent/fw/fwctl attach eth0')).toMatchObject({ status: 2, out: expect.stringMatching(/xdp\.o: FAILED/) });
    expect(box('strict/fw/fwctl attach eth0')).toMatchObject({ status: 0, out: expect.stringContaining('in force') });
    expect(box('strict/fw/fwctl detach')).toMatchObject({ status: 0 });
  });

  it('puts the rules in force, counts, and says so', () => {
    const { out, status } = typed('strict/fw/fwctl attach eth0');
    expect({ out, status }).toMatchObject({ status: 0, out: expect.stringMatching(/in force at eth0/) });
    expect(knock(26)).toBe('silence');
    expect(knock(25)).toBe('refused');
    const state = typed('strict/fw/fwctl status');
    expect(state.status).toBe(0);
    expect(state.out).toMatch(/eth0 egress: program \d+\n {2}eth0 xdp: program \d+/);
    const counters = typed('strict/fw/fwctl counters').out;
    expect(counters).toMatch(/^ +1 +60 {2}-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset$/m);
    expect(counters).toMatch(/^ +0 +0 {2}-A OUTPUT -p udp -m udp --dport 137 -j DROP$/m);
    expect(counters).toMatch(/^ +[1-9]\d* +\d+ {2}policy of INPUT: DROP$/m);
  });

  it('goes back by itself where nobody confirms', () => {
    expect(typed('open/fw/fwctl attach eth0 --confirm 2').out).toMatch(/confirm within 2 seconds/);
    expect(knock(26)).toBe('refused');
    expect(typed('strict/fw/fwctl attach eth0')).toMatchObject({ status: 2 });
    const wait = 'for i in 1 2 3 4 5 6 7 8; do [ -e $FWCTL_STATE/ipt2bpf-fw/pending ] || exit 0; sleep 1; done; exit 9';
    expect(typed(wait).status).toBe(0);
    expect(knock(26)).toBe('silence');
    expect(typed('strict/fw/fwctl counters').out).toMatch(/^ +[1-9]\d* +\d+ {2}policy of INPUT: DROP$/m);
  });

  it('goes back when it is told to, and keeps what is confirmed', () => {
    typed('open/fw/fwctl attach eth0 --confirm 300');
    expect(typed('open/fw/fwctl status').out).toMatch(/waits for fwctl confirm/);
    expect(typed('open/fw/fwctl rollback').out).toMatch(/^in force again: [0-9a-f]{12}$/);
    expect(knock(26)).toBe('silence');
    typed('open/fw/fwctl attach eth0 --confirm 300');
    expect(typed('open/fw/fwctl confirm').status).toBe(0);
    expect(knock(26)).toBe('refused');
    expect(typed('ls /sys/fs/bpf/ipt2bpf_fw').out.split('\n')).toHaveLength(1);
    expect(typed('open/fw/fwctl rollback')).toMatchObject({ status: 2 });
    // The bundle without an object for egress has taken the other one's away.
    expect(typed('tc filter show dev eth0 egress').out).toBe('');
  });

  it('leaves nothing behind', () => {
    expect(typed('open/fw/fwctl detach').status).toBe(0);
    expect(knock(26)).toBe('refused');
    expect(typed('ls /sys/fs/bpf state | grep -v debug')).toEqual({ out: '/sys/fs/bpf:\n\nstate:', status: 0 });
    expect(typed('tc qdisc show dev eth0 clsact').out).toBe('');
    expect(typed('ip link show dev eth0').out).not.toMatch(/xdp/);
  });

  it('does not take the place of a program that is not its own', () => {
    const other = '/sys/fs/bpf/other';
    typed(`bpftool prog load open/fw/xdp.o ${other} type xdp; ip link set dev eth0 xdpgeneric pinned ${other}`);
    const { out, status } = typed('strict/fw/fwctl attach eth0');
    expect({ out, status }).toMatchObject({ status: 2, out: expect.stringMatching(/eth0: it cannot be attached/) });
    expect(knock(26)).toBe('refused');
    expect(typed('ls state').out).toBe('');
    const end = `ip link set dev eth0 xdpgeneric off; rm ${other}; ls /sys/fs/bpf | grep -v debug`;
    expect(typed(end).out).toBe('');
  });
});
