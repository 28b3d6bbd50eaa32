import type { Reply, Request } from '../protocol.js';

interface Answered {
  readonly id: number;
  readonly reply?: Reply;
  readonly failure?: string;
}

/** The engine in a worker of its own, made of the script in the page: typing stays smooth whatever it does. */
export class EngineClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  #next = 0;

  constructor(source: string) {
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    this.#worker = new Worker(url);
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Answered>) => this.#settle(data));
    this.#worker.addEventListener('error', ({ message }) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(message));
      this.#waiting.clear();
    });
  }

  /** Ends the worker, whatever it does; its questions get no answer. */
  close(): void {
    this.#worker.terminate();
    this.#waiting.clear();
  }

  ask<K extends Request['kind']>(request: Request & { readonly kind: K }): Promise<Reply> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request });
    });
  }

  #settle({ id, reply, failure }: Answered): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (reply !== undefined) waiting?.resolve(reply);
    else waiting?.reject(new Error(failure));
  }
}
