export {
  evaluate,
  MOST_VISITS,
  type Decision,
  type Evaluation,
  type EvaluationInput,
  type Oracle,
  type Unknown,
  type Verdict,
} from './evaluate.js';
export { possibleVerdicts, type PossibleVerdicts } from './possible.js';
export { reaches } from './reaches.js';
export type { Reach, ReachSettings } from './arrival.js';
export { readFields, readIpPacket, interfaceName, type FieldValues } from './read-fields.js';
export { firstAnswer, limitOracle, hashlimitOracle, surroundingsOracle } from './oracle.js';
export { CountMemory, type NthTest, type QuotaTest } from './count-memory.js';
export { HashlimitMemory } from './hashlimit-memory.js';
export { RecentMemory } from './recent-memory.js';
export { LimitMemory, type LimitTest } from './limit-memory.js';
export { describeStep } from './describe.js';
export type { TraceStep } from './trace.js';
export { RulesetFaultError, UnreadablePacketError } from './errors.js';
