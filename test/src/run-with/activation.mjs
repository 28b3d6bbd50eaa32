// activation.mjs COMMAND…: starts the command with a listening socket as systemd passes one, and asks from two addresses.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';

const ask = (localAddress) =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.2', port: 2222, localAddress });
    const end = (result) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(1500, () => end('silent'));
    socket.on('data', (data) => end(String(data).trim()));
    socket.on('error', ({ code }) => end(code));
  });

const listener = createServer().listen(2222, '127.0.0.2');
await new Promise((resolve) => listener.on('listening', resolve));
const start = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"';
const stdio = ['ignore', 'pipe', 'inherit', listener._handle.fd];
const child = spawn('sh', ['-c', start, 'sh', ...process.argv.slice(2)], { stdio });
const exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
const started = await Promise.race([
  exited,
  new Promise((resolve) => child.stdout.on('data', (data) => String(data).includes('ready') && resolve('ready'))),
]);
// From here on only the command accepts.
listener.close();
const answers = started === 'ready' ? [await ask('127.0.0.1'), await ask('127.0.0.3')] : [];
child.kill('SIGTERM');
console.log(JSON.stringify({ started, answers, exit: await exited }));
process.exit(0);
