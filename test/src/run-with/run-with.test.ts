import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cgroupMount, ownGroup } from '../../../bpf-runtime/cgroup/group.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { withNetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import { builtCli } from '../../docs/support/built-cli.js';

function hasGroups(): boolean {
  try {
    return cgroupMount() !== '';
  } catch {
    return false;
  }
}

const able = process.getuid?.() === 0 && hasGroups() && hasCommand('ip', ['-V']);
const HERE = resolve('test/src/run-with');
const here = (name: string): string => join(HERE, name);
let tool: readonly string[] = [];
const made: string[] = [];

beforeAll(() => {
  tool = [process.execPath, join(builtCli('run-with'), 'src/cli/main.js'), 'run-with'];
}, 120_000);
afterAll(() => made.forEach((directory) => rmSync(directory, { recursive: true })));

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ipt2bpf-run-with-'));
  made.push(directory);
  return directory;
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs words in a network namespace of their own, with a loopback device. */
function inNamespace(words: readonly string[], before: () => void = () => undefined): Outcome {
  return withNetworkNamespace(() => {
    run('ip', ['link', 'set', 'lo', 'up']);
    before();
    return spawnSync(words[0], words.slice(1), { encoding: 'utf8' });
  });
}

const groups = (): readonly string[] => readdirSync(ownGroup()).filter((name) => name.startsWith('ipt2bpf-'));
/** Groups that stood before: a run that was killed leaves its own. */
const older: readonly string[] = able ? groups() : [];

describe.skipIf(!able)('run-with (skipped without root, cgroup v2 or ip)', () => {
  const KNOCKED = {
    started: 'ready',
    seen: [
      ['before', 'silent'],
      ['knock', 'silent'],
      ['after the knock', 'answered'],
      ['too late', 'silent'],
    ],
    exit: 7,
  };

  it('opens a port to who has knocked, for a time, and ends with the exit code of the command', () => {
    const guarded = [...tool, here('knock.v4'), '--knock', 'tcp:7000', '--', process.execPath, here('server.mjs')];
    const { stdout, stderr } = inNamespace([process.execPath, here('scenario.mjs'), ...guarded]);
    expect(JSON.parse(stdout), stderr).toEqual(KNOCKED);
    expect(groups()).toEqual(older);
  });

  it.skipIf(!hasCommand('iptables-legacy'))('as iptables does (skipped without iptables-legacy)', () => {
    const plain = [process.execPath, here('scenario.mjs'), process.execPath, here('server.mjs')];
    const { stdout, stderr } = inNamespace(plain, () =>
      run('iptables-legacy-restore', [], readFileSync(here('knock.v4'))),
    );
    expect(JSON.parse(stdout), stderr).toEqual(KNOCKED);
  });

  it('filters a socket that was passed, which is then of the command', () => {
    const guarded = [...tool, here('passed.v4'), '--', process.execPath, here('passed.mjs')];
    const { stdout, stderr } = inNamespace([process.execPath, here('activation.mjs'), ...guarded]);
    expect(JSON.parse(stdout), stderr).toEqual({ started: 'ready', answers: ['mine', 'silent'], exit: 7 });
  });

  const endings: readonly { name: string; command: readonly string[]; want: number }[] = [
    { name: 'its own', command: ['sh', '-c', 'exit 5'], want: 5 },
    { name: 'that of a signal', command: ['sh', '-c', 'kill -9 $$'], want: 137 },
    { name: 'that of a shell, of what is not there', command: ['/no/such/command'], want: 127 },
  ];
  it.each(endings)('the exit code is $name', ({ command, want }) => {
    const { status, stderr } = inNamespace([...tool, here('passed.v4'), '--', ...command]);
    expect(status, stderr).toBe(want);
    expect(groups()).toEqual(older);
  });

  it('says who sends what is dropped, as iptables does', () => {
    const rules = join(folder(), 'out.v4');
    writeFileSync(rules, '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT DROP [0:0]\nCOMMIT\n');
    const send = `require('dgram').createSocket('udp4').send('x', 9, '127.0.0.1', (e) => process.exit(e?.code === 'EPERM' ? 42 : 1))`;
    const { status, stderr } = inNamespace([...tool, rules, '--', process.execPath, '-e', send]);
    expect(status, stderr).toBe(42);
  });

  /** Ends with 42 where sending a datagram to 127.0.0.1:9 is refused, as a dropped one is, else with 1. */
  const SEND = `require('dgram').createSocket('udp4').send('x', 9, '127.0.0.1', (e) => process.exit(e?.code === 'EPERM' ? 42 : 1))`;
  const rulesOf = (family: string, rule: string): string => {
    const path = join(folder(), `rules.${family}`);
    const chains = ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`);
    writeFileSync(path, ['*filter', ...chains, rule, 'COMMIT', ''].join('\n'));
    return path;
  };
  const TO_NINE = '-A OUTPUT -p udp -m udp --dport 9';
  const nobody = ['setpriv', '--reuid', '65534', '--clear-groups'];
  const track = (): void => void run('iptables-legacy', '-A INPUT -m conntrack --ctstate NEW'.split(' '));
  const sent: readonly { name: string; rule: string; as?: readonly string[]; before?: () => void; want: number }[] = [
    { name: 'its owner', rule: `${TO_NINE} -m owner --uid-owner 65534 -j DROP`, as: nobody, want: 42 },
    { name: 'another owner', rule: `${TO_NINE} -m owner --uid-owner 65534 -j DROP`, want: 1 },
    { name: 'a new connection', rule: `${TO_NINE} -m conntrack --ctstate NEW -j DROP`, before: track, want: 42 },
    {
      name: 'one that is not established',
      rule: `${TO_NINE} -m state --state ESTABLISHED -j DROP`,
      before: track,
      want: 1,
    },
    { name: 'a local address', rule: `${TO_NINE} -m addrtype --dst-type LOCAL -j DROP`, want: 42 },
    { name: 'the device', rule: '-A OUTPUT -o lo -p udp -m udp --dport 9 -j DROP', want: 42 },
  ];
  it.skipIf(!hasCommand('iptables-legacy') || !hasCommand('setpriv')).each(sent)(
    'knows of what is sent: $name (skipped without iptables-legacy or setpriv)',
    ({ rule, as = [], before, want }) => {
      const words = [...tool, rulesOf('v4', rule), '--', ...as, process.execPath, '-e', SEND];
      const { status, stderr } = inNamespace(words, before);
      expect(status, stderr).toBe(want);
    },
  );

  /** Ends with 42 where a datagram of so many bytes comes to its socket, with 1 where it does not within a time. */
  const GET = `
    const dgram = require('dgram');
    const socket = dgram.createSocket('udp6').on('message', () => process.exit(42));
    socket.bind(5000, '::1', () => dgram.createSocket('udp6').send(Buffer.alloc(+process.argv[1]), 5000, '::1'));
    setTimeout(() => process.exit(1), 1500);`;
  const pieces: readonly { name: string; family: string; options: readonly string[]; bytes: number; want: number }[] = [
    { name: 'a whole datagram passes', family: 'v6', options: [], bytes: 100, want: 42 },
    { name: 'one that came in pieces is dropped', family: 'v6', options: [], bytes: 4000, want: 1 },
    { name: 'or judged whole', family: 'v6', options: ['--fragments', 'judge'], bytes: 4000, want: 42 },
    { name: 'the other IP version passes', family: 'v4', options: [], bytes: 100, want: 42 },
  ];
  it.each(pieces)('IPv6: $name', ({ family, options, bytes, want }) => {
    const rules = rulesOf(family, family === 'v6' ? '-A INPUT -p tcp -j DROP' : '-A INPUT -j DROP');
    const words = [...tool, rules, ...options, '--', process.execPath, '-e', GET, String(bytes)];
    const { status, stderr } = inNamespace(words, () => run('ip', ['link', 'set', 'lo', 'mtu', '1500']));
    expect(status, stderr).toBe(want);
  });

  it('leaves the group with its filter where processes go on', () => {
    const { status, stderr } = inNamespace([...tool, here('passed.v4'), '--', 'sh', '-c', 'sleep 1 & exit 0']);
    expect(status).toBe(0);
    const [, directory] = /processes are left in (\S+):/.exec(stderr) ?? [];
    expect(existsSync(join(directory, 'cgroup.procs'))).toBe(true);
    spawnSync('sleep', ['1.2']);
    run('rmdir', [directory]);
  });

  it('pins programs for systemd to attach', () => {
    const pins = `/sys/fs/bpf/ipt2bpf-run-with-test-${process.pid}`;
    try {
      const { status, stderr } = inNamespace([...tool, here('passed.v4'), '--pin', pins]);
      expect(status, stderr).toBe(0);
      expect(readdirSync(pins).sort()).toEqual(['egress-v4', 'ingress-v4']);
    } finally {
      rmSync(pins, { recursive: true, force: true });
    }
  });
});

describe('what is not started', () => {
  const plain = (...words: readonly string[]): Outcome =>
    spawnSync(tool[0], [...tool.slice(1), ...words], { encoding: 'utf8' });
  const cases: readonly { name: string; words: readonly string[]; status: number; want: RegExp }[] = [
    { name: 'no command', words: [here('passed.v4')], status: 2, want: /needs a command behind --/ },
    {
      name: 'two dumps of one version',
      words: [here('passed.v4'), '--also', here('knock.v4'), '--', 'true'],
      status: 2,
      want: /of the same IP version/,
    },
    {
      name: 'rules that sockets cannot decide',
      words: ['fixtures/dumps/web-server.v4', '--', 'true'],
      status: 1,
      want: /refused at cgroup; nothing was started/,
    },
    {
      name: 'a knock at no port',
      words: [here('passed.v4'), '--knock', 'tcp:0', '--', 'true'],
      status: 2,
      want: /tcp:PORT/,
    },
  ];
  it.each(cases)('$name', ({ words, status, want }) => {
    const result = plain(...words);
    expect(result.stderr).toMatch(want);
    expect(result.status).toBe(status);
  });

  it('writes a drop-in and the unit that loads the programs', () => {
    const directory = folder();
    const words = [here('passed.v4'), '--systemd', 'app.service', '-o', directory];
    expect(plain(...words).status).toBe(0);
    const conf = readFileSync(join(directory, 'app.service.d/ipt2bpf.conf'), 'utf8');
    expect(conf).toContain('Requires=ipt2bpf-app.service\nAfter=ipt2bpf-app.service');
    expect(conf).toContain('IPIngressFilterPath=/sys/fs/bpf/ipt2bpf/app_service/ingress-v4\n');
    expect(conf).toContain('IPEgressFilterPath=/sys/fs/bpf/ipt2bpf/app_service/egress-v4\n');
    const unit = readFileSync(join(directory, 'ipt2bpf-app.service'), 'utf8');
    expect(unit).toMatch(/^ExecStart=\S+ \S+ run-with \S*passed\.v4 .*--pin \/sys\/fs\/bpf\/ipt2bpf\/app_service$/m);
  });
});
