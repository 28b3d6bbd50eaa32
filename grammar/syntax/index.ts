export type { ChainLine, Line, RuleLine, TableLine, Word } from './ast.js';
export { CODES, problem, warning, type Code } from './codes.js';
export { quote, quoteAlways, quoteIfNeeded, quoteSaved, unquote } from './quote.js';
export { endOfCounters, parseCounters, parsePolicyCounters, scanCounter } from './counters.js';
export { LineReader, readLine, readLines } from './read.js';
export { SavedLine } from './saved-line.js';
export { WordCursor } from './word-cursor.js';
