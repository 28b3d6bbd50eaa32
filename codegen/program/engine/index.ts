/** Finding a packet's rules in diagrams instead of asking one rule after the other. */
export { linearWork, listWork, sumOfWork, type Work } from './cost.js';
export { planChain, type Stretch } from './segment.js';
export { eligibleChains, type Eligible } from './eligible.js';
export { emitStretch } from './stretch-code.js';
export { diagramPlan, linearPlan } from './plan.js';
export type { ChainPlan, OptimizerPlan, StretchPlan } from './plan.js';
export { EngineTables } from './tables.js';
