/** The public API: read, print, judge, compile, verify and compare iptables dumps. Described in docs/api.md. */
export { compile, diff, verify } from './api.js';
export {
  bind,
  parseDump,
  parseRule,
  printDump,
  printRule,
  readLines,
  CODES,
  type Code,
  type Hosts,
  type Line,
  type ParsedDump,
  type ParsedRule,
  type ParseOptions,
  type RulePlace,
} from '../grammar/index.js';
export { formatDiagnostic, type Diagnostic, type Severity, type SourceRange } from '../grammar/model/diagnostic.js';
export type { Condition, Opaque, CtState, AddressType } from '../grammar/model/condition.js';
export type { Family, TableName, BuiltinChain } from '../grammar/model/family.js';
export type { Packet, Surroundings } from '../grammar/model/packet.js';
export type {
  BoundMatch,
  BoundTarget,
  Chain,
  Counters,
  Effect,
  RejectType,
  Rule,
  RuleRef,
  Ruleset,
  Table,
} from '../grammar/model/ruleset.js';
export { bindSets, parseSets, type IpSets, type ParsedSets } from '../grammar/sets/index.js';
export type { CompileResult } from '../codegen/program/index.js';
export type { CompileOptions, Manifest } from '../codegen/program/manifest.js';
export {
  evaluate,
  firstAnswer,
  surroundingsOracle,
  RulesetFaultError,
  UnreadablePacketError,
  type Decision,
  type Evaluation,
  type EvaluationInput,
  type Oracle,
  type TraceStep,
  type Unknown,
  type Verdict,
} from './evaluate/index.js';
export {
  buildPacket,
  parsePacketText,
  readCapture,
  type Capture,
  type PacketSpec,
  type PacketText,
  type PacketTextResult,
} from './packet/index.js';
export { generatePackets, type GenerateOptions } from './verify/generate.js';
export type { EngineName, EngineReport, Mismatch } from './verify/job.js';
export type { VerifyOptions, VerifyResult } from './verify/verify.js';
export type { RulesDiff } from './diff/rules.js';
