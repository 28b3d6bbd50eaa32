import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Place } from './blocks.js';

/** A temporary folder that looks like a built checkout, and the commands that are typed in it. */
export class Session {
  readonly folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-docs-'));
  readonly #bin = join(this.folder, '.bin');
  #status = 0;
  #network: Network | undefined;

  constructor(dist: string) {
    symlinkSync(dist, join(this.folder, 'dist'));
    cpSync('fixtures/dumps', join(this.folder, 'fixtures/dumps'), { recursive: true });
    cpSync('fixtures/packets', join(this.folder, 'fixtures/packets'), { recursive: true });
    cpSync('docs/examples', join(this.folder, 'docs/examples'), { recursive: true });
    cpSync('package.json', join(this.folder, 'package.json'));
    mkdirSync(this.#bin);
    this.#command('ipt2bpf', `exec ${quoted(process.execPath)} ${quoted(join(dist, 'src/cli/main.js'))} "$@"`);
    this.#command('sudo', 'exec "$@"');
    // Installing and building came before this test; testing is what goes on.
    this.#command('npm', 'case "$*" in ci|"run build"|test) ;; *) echo "npm $*: not expected" >&2; exit 2;; esac');
  }

  /** Writes a file of the session from text or from a fixture. */
  put(name: string, content: { readonly text: string } | { readonly fixture: string }): void {
    if ('text' in content) writeFileSync(join(this.folder, name), content.text);
    else cpSync(join('fixtures/dumps', content.fixture), join(this.folder, name));
  }

  /** Runs a command as a shell would that has run those before; stdout and stderr as a terminal shows them. */
  run(text: string, place: Place = 'here'): { readonly lines: readonly string[]; readonly status: number } {
    const script = `exec 2>&1\n(exit ${this.#status})\n${text}`;
    const [command, ...args] = [...this.#enter(place), 'bash', '-c', script];
    const result = spawnSync(command, args, {
      cwd: this.folder,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
      timeout: 50_000,
      env: { PATH: `${this.#bin}${delimiter}${process.env.PATH}`, HOME: this.folder, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    });
    if (result.error !== undefined) throw result.error;
    this.#status = result.status ?? 1;
    return { lines: linesOf(result.stdout), status: this.#status };
  }

  close(): void {
    this.#network?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #enter(place: Place): readonly string[] {
    if (place === 'here') return [];
    this.#network ??= new Network();
    return this.#network.enter(place);
  }

  #command(name: string, body: string): void {
    writeFileSync(join(this.#bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(this.#bin, name), 0o755);
  }
}

/**
 * Two network namespaces with a cable between them: `namespace` has eth0 with 192.0.2.1/24 and a BPF file system of
 * its own, `neighbour` has 192.0.2.2/24 on its end. They end with the processes that hold them.
 */
class Network {
  readonly #namespace = holder();
  readonly #neighbour = holder();

  constructor() {
    const here = this.enter('namespace');
    const there = this.enter('neighbour');
    const commands = [
      [...here, ...words('mount -t bpf bpf /sys/fs/bpf')],
      [...here, ...words(`ip link add eth0 type veth peer name eth0 netns ${this.#neighbour.pid}`)],
      ...[here, there].flatMap((enter, index) => [
        [...enter, ...words(`ip address add 192.0.2.${index + 1}/24 dev eth0`)],
        [...enter, ...words('ip link set lo up')],
        [...enter, ...words('ip link set eth0 up')],
      ]),
    ];
    try {
      for (const [command, ...args] of commands) execFileSync(command, args, { stdio: 'pipe' });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  enter(place: Exclude<Place, 'here'>): readonly string[] {
    const { pid } = place === 'namespace' ? this.#namespace : this.#neighbour;
    return ['nsenter', '-t', String(pid), '-n', '-m', '--wd=.'];
  }

  close(): void {
    this.#namespace.kill('SIGKILL');
    this.#neighbour.kill('SIGKILL');
  }
}

const words = (text: string): readonly string[] => text.split(' ');

/** A process in a network and a mount namespace of its own. */
function holder(): ChildProcess {
  const child = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'sleep', '600'], { stdio: 'ignore' });
  const own = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/net`);
  const deadline = Date.now() + 10_000;
  while (child.pid === undefined || own(child.pid) === own('self')) {
    if (Date.now() > deadline) throw new Error('the network namespace was not made');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  return child;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function linesOf(output: string): readonly string[] {
  const lines = output.split('\n').map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  return lines;
}
