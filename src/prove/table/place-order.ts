import { unsupported } from '../unprovable.js';
import type { Step } from './step.js';

/** Places in an order in which each comes behind all that lead to it. */
export function inOrder(places: readonly Step[], starts: readonly number[] = [0]): readonly number[] {
  const below = places.map(placesBelow);
  const states = new Uint8Array(places.length);
  const order: number[] = [];
  const stack: { readonly number: number; next: number }[] = [];
  for (const start of starts) {
    if (states[start] !== 0) continue;
    states[start] = 1;
    stack.push({ number: start, next: 0 });
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
      case 'look':
        return look(one.then);
      case 'test':
        look(one.inside);
        return look(one.outside);
      case 'split':
        for (const then of one.cases.values()) look(then);
        return;
      case 'flag':
        look(one.set);
        return look(one.clear);
      case 'next':
        for (const then of one.after.values()) look(then);
        return;
      case 'found':
      case 'stands':
        if (one.entry?.next !== undefined) look(one.entry.next);
        return;
      case 'exit':
        return;
    }
  };
  look(step);
  return [...found];
}
