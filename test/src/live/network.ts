import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { run } from '../../../bpf-runtime/system/command.js';
import { NetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import { setSysctl } from '../../../bpf-runtime/system/sysctl.js';

const SCRIPT = new URL('talk.py', import.meta.url).pathname;

/** A host that talks, a router, and a host that answers. */
export class Network {
  readonly client = NetworkNamespace.create();
  readonly router = NetworkNamespace.create();
  readonly server = NetworkNamespace.create();
  private readonly processes: ChildProcess[] = [];

  constructor() {
    const [client, server] = [this.client, this.server].map((namespace) => this.start(namespace, 'sleep', '1000').pid);
    this.router.run(() => {
      for (const [i, pid] of [client, server].entries()) {
        const own = `eth${i + 1}`;
        run('ip', ['link', 'add', own, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)]);
        run('ip', ['addr', 'add', `10.0.${i + 1}.1/24`, 'dev', own]);
        run('ip', ['link', 'set', own, 'up']);
      }
      run('ip', ['link', 'set', 'lo', 'up']);
      setSysctl('net/ipv4/ip_forward', 1);
      setSysctl('net/ipv4/icmp_ratelimit', 0);
    });
    [this.client, this.server].forEach((namespace, i) =>
      namespace.run(() => {
        run('ip', ['link', 'set', 'lo', 'up']);
        run('ip', ['addr', 'add', `10.0.${i + 1}.2/24`, 'dev', 'eth0']);
        run('ip', ['link', 'set', 'eth0', 'up']);
        run('ip', ['route', 'add', 'default', 'via', `10.0.${i + 1}.1`]);
      }),
    );
  }

  private start(namespace: NetworkNamespace, command: string, ...args: readonly string[]): ChildProcess {
    const child = namespace.run(() => spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    this.processes.push(child);
    return child;
  }

  /** A line for each conversation. */
  async talk(): Promise<string> {
    const server = this.start(this.server, 'python3', SCRIPT, 'serve');
    await once(server.stdout ?? server, 'data');
    const client = this.start(this.client, 'python3', SCRIPT, 'talk');
    let said = '';
    client.stdout?.on('data', (data: Buffer) => (said += data.toString()));
    await once(client, 'close');
    server.kill('SIGKILL');
    await once(server, 'close');
    return said;
  }

  close(): void {
    for (const child of this.processes) child.kill('SIGKILL');
    for (const namespace of [this.client, this.router, this.server]) namespace.close();
  }
}

export async function withNetwork<T>(body: (network: Network) => Promise<T>): Promise<T> {
  const network = new Network();
  try {
    return await body(network);
  } finally {
    network.close();
  }
}
