export type { ChainLine, CommentLine, CommitLine, Line, RuleLine, TableLine, Word } from './ast.js';
export { CODES, problem, warning, type Code } from './codes.js';
export { quote, quoteAlways, quoteIfNeeded, quoteSaved, unquote } from './quote.js';
export { parseCounters, parsePolicyCounters, readLine, readLines } from './read.js';
