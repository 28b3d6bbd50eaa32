// The application of the tests: answers at 127.0.0.2:2222 and ends with exit code 7 when it is told to.
import { createServer } from 'node:net';

process.on('SIGTERM', () => process.exit(7));
createServer((socket) => socket.end('hello\n')).listen(2222, '127.0.0.2', () => console.log('ready'));
