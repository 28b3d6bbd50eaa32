export type { Family, TableName } from './model/family.js';
export type { Diagnostic } from './model/diagnostic.js';
export type { Rule, Ruleset } from './model/ruleset.js';
export {
  bind,
  parseDump,
  parseRule,
  type ParsedDump,
  type ParsedRule,
  type ParseOptions,
  type RulePlace,
} from './bind/dump.js';
export { SharedRules } from './bind/shared-rules.js';
export { printAddress } from './modules/value/address.js';
export type { Hosts } from './bind/address.js';
export { printDump, printRule } from './print/print.js';
export { CODES, readLines, type Code, type Line } from './syntax/index.js';
