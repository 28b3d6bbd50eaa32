/** The public API: read, print, judge, compile, verify and compare iptables dumps. Described in docs/api.md. */
export { changedPackets, compile, diff, verify } from './api.js';
export {
  bind,
  parseDump,
  parseRule,
  printDump,
  printRule,
  readLines,
  CODES,
  SharedRules,
  type Code,
  type Hosts,
  type Line,
  type ParsedDump,
  type ParsedRule,
  type ParseOptions,
  type RulePlace,
} from '../grammar/index.js';
export type { SharedPlace, SharedRule } from '../grammar/bind/shared-rules.js';
export type { PrintOptions } from '../grammar/print/print.js';
export { formatDiagnostic, type Diagnostic, type Severity, type SourceRange } from '../grammar/model/diagnostic.js';
export {
  ADDRESS_TYPES,
  CT_STATES,
  type AddressType,
  type Condition,
  type CtState,
  type IdTest,
  type Opaque,
  type OwnerTest,
} from '../grammar/model/condition.js';
export type { Field } from '../grammar/model/fields.js';
export type { Interval, IntervalSet } from '../grammar/model/interval.js';
export type { DeviceGroupTest } from '../grammar/model/device-group.js';
export type { HeaderChange, PacketChange, TcpChange } from '../grammar/model/change.js';
export type { CounterTest, IpSet, IpSetMember, OtherIpSet, SetTest } from '../grammar/model/ip-set.js';
export type { HashlimitKey, HashlimitTable, HashlimitTest, RecentTest } from '../grammar/model/memory.js';
export type { PayloadTest } from '../grammar/model/payload.js';
export type { TimeTest } from '../grammar/model/time.js';
export type { ChainLine, CommentLine, CommitLine, RuleLine, TableLine, Word } from '../grammar/syntax/ast.js';
export type { Family, TableName, BuiltinChain } from '../grammar/model/family.js';
export type { Packet, Surroundings } from '../grammar/model/packet.js';
export { changedMatch, changedRule } from '../grammar/model/ruleset.js';
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
export type {
  CompileOptions,
  CounterEntry,
  Engine,
  EventLayout,
  EventRule,
  FragmentPolicy,
  Hook,
  Lookup,
  Manifest,
  Asks,
  Mode,
  Question,
  Rehearsal,
  RejectPolicy,
  ResidualRule,
  SocketHook,
  VlanPolicy,
  WireHook,
} from '../codegen/program/manifest.js';
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
export type { RulesetFault, UnreadableCode } from './evaluate/errors.js';
export type { FieldValues } from './evaluate/read-fields.js';
export type { SettledTest } from './evaluate/trace.js';
export {
  buildPacket,
  parsePacketText,
  readCapture,
  CaptureError,
  type ExtensionSpec,
  type Ipv4Spec,
  type Ipv6Spec,
  type LinkSpec,
  type PacketPlace,
  type PacketSpec,
  type PacketText,
  type PacketTextResult,
  type TransportSpec,
} from './packet/index.js';
export type { VlanSpec } from './packet/spec.js';
export type { Capture, CapturedPacket, CaptureFault, SkippedRecord } from './packet/capture.js';
export { generatePackets, type GenerateOptions } from './verify/generate.js';
export { ENGINES, type EngineName, type EngineReport, type Minimised, type Mismatch } from './verify/job.js';
export type { VerifyOptions, VerifyResult } from './verify/verify.js';
export type { ChainChanges, PacketChange as ChangedRegion, PacketDiffOptions, ReplayedPacket } from './diff/packets.js';
export type { Deciding } from './space/deciding.js';
export type { Side as RegionSide } from './space/describe.js';
export type { RulesDiff } from './diff/rules.js';
export type { ChainPlace } from './space/place.js';
export { TooWideError } from './space/explore.js';
export { BrokenTableError } from './space/program.js';
