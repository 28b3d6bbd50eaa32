export {
  evaluate,
  type Decision,
  type Evaluation,
  type EvaluationInput,
  type Oracle,
  type Unknown,
  type Verdict,
} from './evaluate.js';
export { possibleVerdicts, type PossibleInput, type PossibleVerdicts } from './possible.js';
export { reaches } from './reaches.js';
export type { Reach, ReachCode, ReachSettings } from './arrival.js';
export { readFields, readIpPacket, interfaceName, type FieldValues, type IpPacket } from './read-fields.js';
export { firstAnswer, limitOracle, recentOracle, countOracle, hashlimitOracle, surroundingsOracle } from './oracle.js';
export { CountMemory, type NthTest, type QuotaTest } from './count-memory.js';
export { HashlimitMemory, type HashlimitPacket } from './hashlimit-memory.js';
export { RecentMemory, type RecentMemoryOptions, type RecentPacket } from './recent-memory.js';
export { LimitMemory, type LimitRate, type LimitTest } from './limit-memory.js';
export { describeStep, describeTest } from './describe.js';
export type { SettledTest, TraceStep } from './trace.js';
export { RulesetFaultError, UnreadablePacketError } from './errors.js';
