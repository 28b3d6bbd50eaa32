// The application of the tests with a socket that was passed as file descriptor 3.
import { createServer } from 'node:net';

process.on('SIGTERM', () => process.exit(7));
const mine = process.env.LISTEN_PID === String(process.pid);
createServer((socket) => socket.end(mine ? 'mine\n' : 'not mine\n')).listen({ fd: 3 }, () => console.log('ready'));
