export type { ChainLine, Line, RuleLine, TableLine, Word } from './ast.js';
export { CODES, problem, warning, type Code } from './codes.js';
export { quote, quoteAlways, quoteIfNeeded, quoteSaved, unquote } from './quote.js';
export { parsePolicyCounters, scanCounter } from './counters.js';
export { readLine, readLines } from './read.js';
