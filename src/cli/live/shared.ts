import { sayJson, tell } from '../output.js';

/** `{ name: value }`, or nothing where there is no value. */
export function asPart<K extends string, V>(name: K, value: V | undefined): { readonly [k in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [k in K]: V });
}

/** Tells what has been done: as JSON, or in words. */
export function changed(options: { readonly json?: boolean }, result: object, inWords: () => void): void {
  if (options.json) sayJson({ changed: true, ...result });
  else inWords();
}

export function tellConfirm(seconds: number | undefined, otherwise: string): void {
  if (seconds === undefined) return;
  tell(`"ipt2bpf confirm" keeps it; without that, after ${seconds} s, ${otherwise} by itself`);
}

/** Only on a terminal. */
export function progress(text: string): void {
  if (process.stderr.isTTY) tell(`ipt2bpf: ${text}`);
}
