import { unsupported } from '../unprovable.js';
import type { Step } from './step.js';

/** Places in an order in which each comes behind all that lead to it. */
export function inOrder(places: readonly Step[]): readonly number[] {
  const below = places.map(placesBelow);
  const states = new Uint8Array(places.length);
  const order: number[] = [];
  const stack: { readonly number: number; next: number }[] = [{ number: 0, next: 0 }];
  states[0] = 1;
  for (let top = stack[stack.length - 1]; top !== undefined; top = stack[stack.length - 1]) {
    const child = below[top.number][top.next++];
    if (child === undefined) {
      states[top.number] = 2;
      order.push(top.number);
      stack.pop();
    } else if (states[child] === 0) {
      states[child] = 1;
      stack.push({ number: child, next: 0 });
    } else if (states[child] === 1) {
      throw unsupported('a walk over tables that comes back to where it was');
    }
  }
  return order.reverse();
}

function placesBelow(step: Step): readonly number[] {
  const found = new Set<number>();
  const look = (one: Step): void => {
    switch (one.kind) {
      case 'place':
        found.add(one.number);
        return;
      case 'event':
        return look(one.then);
      case 'fork':
        for (const { then } of one.cases) look(then);
        return;
      case 'call':
        for (const then of one.after.values()) look(then);
        return;
      case 'exit':
        return;
    }
  };
  look(step);
  return [...found];
}
