import type { Ref } from '../bdd.js';
import type { Step } from './step.js';

/** What happens on a way, and when. */
export interface Event {
  readonly name: string;
  readonly when: Ref;
}

/** What happens, and then a step. */
export function behind(events: readonly Event[], step: Step): Step {
  let then = step;
  for (let i = events.length - 1; i >= 0; i--) then = { kind: 'event', ...events[i], then };
  return then;
}
