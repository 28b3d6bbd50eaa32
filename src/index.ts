/** The public API: read, print, judge and compile iptables dumps. */
export { parseDump, parseRule, printDump, printRule } from '../grammar/index.js';
export { formatDiagnostic, type Diagnostic, type Severity, type SourceRange } from '../grammar/model/diagnostic.js';
export type { Condition, Opaque, CtState, AddressType } from '../grammar/model/condition.js';
export type { Family, TableName, BuiltinChain } from '../grammar/model/family.js';
export type { Packet, Surroundings } from '../grammar/model/packet.js';
export type { Chain, Counters, Effect, RejectType, Rule, RuleRef, Ruleset, Table } from '../grammar/model/ruleset.js';
export { compile, type CompileResult } from '../codegen/program/index.js';
export type { CompileOptions, Manifest } from '../codegen/program/manifest.js';
