import type { Opaque } from '../../grammar/model/condition.js';
import { R6 } from '../bytecode/instruction.js';
import type { Analysis } from './analysis.js';
import type { Code } from './code.js';
import { factAt, groupFact } from './common.js';
import { emitGroupTest } from './devices.js';
import type { Fact, FlowLayout } from './flow.js';
import { emitCpu, emitRandom, emitTime } from './moment.js';
import { emitAskedTest, type AnswersAt } from './netfilter/ask.js';
import type { AskPlan } from './netfilter/ask-plan.js';
import { emitStateTest } from './netfilter/conntrack.js';
import { emitOwnerTest } from './netfilter/owner.js';
import { emitRouteTypeTest } from './netfilter/route-type.js';
import type { SetFunctions } from './sets/index.js';

/** Where a program keeps what iptables has answered; `flow`: offset of the flow from r10, `facts`: what it asks. */
export function answersAt(layout: FlowLayout, facts: ReadonlySet<Fact>, flow: number): AnswersAt {
  const asked = flow + factAt(layout, 'asked');
  return facts.has('places') ? { asked, places: flow + factAt(layout, 'places') } : { asked };
}

/** What the code of such tests needs of its object. */
export interface KnownContext {
  readonly layout: FlowLayout;
  readonly asks: AskPlan;
  readonly sets: SetFunctions;
}

/** Emits a test whose answer is in the flow or is found anywhere at any time (r6 = flow): one without memory. */
export function emitKnownTest(
  code: Code,
  test: Opaque,
  { view, time, chain }: Pick<Analysis, 'view' | 'time' | 'chain'>,
  { layout, asks, sets }: KnownContext,
  ifTrue: string,
  ifFalse: string,
): void {
  const bit = asks.bitOf(test, view);
  if (bit !== undefined) return emitAskedTest(code, R6, { at: factAt(layout, 'asked'), bit }, ifTrue, ifFalse);
  switch (test.name) {
    case 'ctstate':
      return emitStateTest(code, R6, test.states, ifTrue, ifFalse);
    case 'owner':
      return emitOwnerTest(code, R6, factAt(layout, 'owner'), test, ifTrue, ifFalse);
    case 'addrtype':
      return emitRouteTypeTest(code, R6, factAt(layout, 'route-type'), test.types, ifTrue, ifFalse);
    case 'devgroup':
      return emitGroupTest(code, R6, factAt(layout, groupFact(test)), test, ifTrue, ifFalse);
    case 'cpu':
      return emitCpu(code, test.cpu, ...turned(test.inverted, ifTrue, ifFalse));
    case 'random':
      return emitRandom(code, test.share, ...turned(test.inverted, ifTrue, ifFalse));
    case 'set':
    case 'counted-set':
      return sets.emit(code, test.test, ifTrue, ifFalse);
    case 'time':
      return emitTime(code, test.test, time, ifTrue, ifFalse);
    case 'limit':
    case 'recent':
    case 'hashlimit':
    case 'quota':
    case 'nth':
    case 'connlimit':
    case 'conntrack':
    case 'bridge-port':
    case 'module':
      throw new Error(`test ${test.name} of ${chain} came to the code generator`);
  }
}

/** The labels of a test that may be inverted. */
function turned(inverted: boolean, ifTrue: string, ifFalse: string): [string, string] {
  return inverted ? [ifFalse, ifTrue] : [ifTrue, ifFalse];
}
