import { realpathSync } from 'node:fs';
import type { Rehearsal } from '../../live/rehearse.js';
import type { RuleChange } from '../../live/residual.js';
import { sayJson, tell } from '../output.js';
import { endProgress, startProgress } from '../progress.js';

/** `{ name: value }`, or nothing where there is no value. */
export function asPart<K extends string, V>(name: K, value: V | undefined): { readonly [k in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [k in K]: V });
}

/** The words that run this command again, wherever its caller's folder is. */
export function ownCommand(): readonly [string, string] {
  return [process.execPath, realpathSync(process.argv[1])];
}

/** Tells what has been done: as JSON, or in words. */
export function changed(options: { readonly json?: boolean }, result: object, inWords: () => void): void {
  if (options.json) sayJson({ changed: true, ...result });
  else inWords();
}

/** Tells what would be done, with the rules of iptables that would come and go. */
export function wouldChange<T extends { readonly action: string; readonly iptables?: RuleChange }>(
  options: { readonly json?: boolean },
  plan: T,
  inWords: () => void,
): void {
  if (options.json) return sayJson({ dryRun: true, ...plan });
  inWords();
  if (plan.iptables !== undefined) tellRules(plan.iptables);
  tell('nothing is changed');
}

export function tellRules({ gets, loses }: RuleChange): void {
  if (gets.length > 0) tell(['iptables would get:', ...gets].join('\n  '));
  if (loses.length > 0) tell(['iptables would lose:', ...loses].join('\n  '));
}

/** That the kernel takes the programs: it has been asked. */
export function tellLoads({ programs, instructions }: Rehearsal): void {
  const looked = instructions === 0 ? '' : `, ${instructions} instructions processed`;
  tell(`loads: yes (${programs} program${programs === 1 ? '' : 's'}${looked})`);
}

export function tellConfirm(seconds: number | undefined, otherwise: string): void {
  if (seconds === undefined) return;
  tell(`"ipt2bpf confirm" keeps it; without that, after ${seconds} s, ${otherwise} by itself`);
}

/** What is being done now: shown on a terminal where it takes longer than a second, until something else is told. */
export function progress(text: string): void {
  endProgress();
  startProgress(`ipt2bpf: ${text}`);
}
