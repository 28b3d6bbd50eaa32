import { Engine } from '../engine.js';
import type { Request } from '../protocol.js';

/** The engine's side of the worker: a numbered question in, a numbered answer out. */
interface Asked {
  readonly id: number;
  readonly request: Request;
}

const engine = new Engine();

/** Questions are answered in their order: an edit may take longer than the packet that follows it. */
let queue: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  queue = queue.then(async () => {
    try {
      postMessage({ id: data.id, reply: await engine.answer(data.request) });
    } catch (error) {
      postMessage({ id: data.id, failure: error instanceof Error ? error.message : String(error) });
    }
  });
});
