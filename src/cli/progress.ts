import { Worker } from 'node:worker_threads';

/** Milliseconds before a sign of life is given, and between two. */
const DELAY = 1000;
const PERIOD = 500;

const FREE = 0;
const ENDED = 2;

/**
 * Runs beside the thread that is at work and has no time to tell. While it writes the lock is 1; once it is 2 nothing is
 * written any more.
 */
const CODE = `
const { workerData: { lock, text, delay, period } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const started = Date.now();
const show = () => {
  if (Atomics.compareExchange(lock, 0, 0, 1) !== 0) return;
  try {
    writeSync(2, '\\r' + text + ' … ' + Math.round((Date.now() - started) / 1000) + ' s\\u001b[K');
    lock[1] = 1;
  } catch {}
  Atomics.store(lock, 0, 0);
  setTimeout(show, period);
};
setTimeout(show, delay);
`;

let current: { readonly worker: Worker; readonly lock: Int32Array } | undefined;

/** Shows on a terminal what takes longer than a second, and how long already, until {@link endProgress}. */
export function startProgress(text: string): void {
  if (process.stderr.isTTY !== true || process.env.TERM === 'dumb' || current !== undefined) return;
  const lock = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(CODE, { eval: true, workerData: { lock, text, delay: DELAY, period: PERIOD } });
  worker.unref();
  current = { worker, lock };
}

/** Takes the line away, if there is one. To be called before anything else is written to the terminal. */
export function endProgress(): void {
  if (current === undefined) return;
  const { worker, lock } = current;
  current = undefined;
  while (Atomics.compareExchange(lock, 0, FREE, ENDED) !== FREE);
  if (lock[1] === 1) process.stderr.write('\r\u001b[K');
  void worker.terminate();
}
