// scenario.mjs COMMAND…: starts a server that listens on 127.0.0.2:2222, tries it and knocks; prints what happened.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const attempt = (port, wait = 300) =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.2', port, localAddress: '127.0.0.1' });
    const end = (result) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(wait, () => end('silent'));
    socket.on('data', () => end('answered'));
    socket.on('error', ({ code }) => end(code));
  });

const [command, ...words] = process.argv.slice(2);
const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
const exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
const started = await Promise.race([
  exited,
  new Promise((resolve) => child.stdout.on('data', (data) => String(data).includes('ready') && resolve('ready'))),
]);
const seen = [];
if (started === 'ready') {
  seen.push(['before', await attempt(2222)]);
  seen.push(['knock', await attempt(7000)]);
  seen.push(['after the knock', await attempt(2222, 2000)]);
  await sleep(2500);
  seen.push(['too late', await attempt(2222)]);
  child.kill('SIGTERM');
}
console.log(JSON.stringify({ started, seen, exit: await exited }));
