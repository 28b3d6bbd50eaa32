import type { Rule } from '../../grammar/model/ruleset.js';
import { natureOf } from '../evaluate/targets.js';
import { verdictKey } from '../space/program.js';

/** What a target comes to that ends the way through its chain; undefined for all others, and for those that may do anything. */
export function ownVerdict({ target: { effect } }: Rule): string | undefined {
  switch (effect.kind) {
    case 'accept':
    case 'drop':
      return effect.kind;
    case 'reject':
      return verdictKey({ reject: effect.type });
    case 'return':
      return 'leaves';
    case 'opaque':
      return natureOf(effect.target, effect.words) === 'decides'
        ? verdictKey({ target: [effect.target, ...effect.words].join(' ') })
        : undefined;
    case 'continue':
    case 'log':
    case 'mark':
    case 'jump':
      return undefined;
  }
}
