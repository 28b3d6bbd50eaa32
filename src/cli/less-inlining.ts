import { setFlagsFromString } from 'node:v8';

/**
 * Most functions that compile or compare dumps run for some tenths of a second. V8 optimizes them meanwhile, on other threads, with all that
 * they call in them, and for a dump of 10,000 rules that took almost half of the processor's time. With less of it in each, compiling takes a
 * quarter less of it; 100,000 rules take as long as before. Comparing two such dumps takes
 * a sixth less. The flag is as old as V8's optimizer; of one that V8 does not know it tells, and goes on.
 */
export function inlineLess(): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=300');
}

/**
 * A proof of a thousand rules takes a second, and most of its functions are done before optimized code of them would pay: with twice the
 * usual work before a function is optimized, and less in it, it takes a quarter less of the processor's time, and as long by the clock.
 */
export function optimizeLater(): void {
  setFlagsFromString('--interrupt-budget=150000');
}
