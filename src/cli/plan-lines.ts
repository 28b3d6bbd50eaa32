import type { ChainPlan, StretchPlan } from '../../codegen/program/index.js';

/** What `compile --stats` tells: for each chain how its stretches are judged, their sizes and expected costs. */
export function planLines(plans: readonly ChainPlan[]): readonly string[] {
  const several = new Set(plans.map(({ program }) => program)).size > 1;
  return plans.flatMap(({ program, chain, stretches }) =>
    stretches.map((stretch) => `${several ? `${program}: ` : ''}chain ${chain}: ${describe(stretch)}`),
  );
}

function describe(stretch: StretchPlan): string {
  const { engine, rules, codeBytes, tableBytes, diagrams, depth, hits, nanoseconds } = stretch;
  const cost = `about ${Math.max(1, Math.round(nanoseconds))} ns`;
  const head = `${engine}, ${counted(rules, 'rule')}, ${codeBytes} bytes of code`;
  if (engine === 'linear') return `${head}, ${cost}`;
  const shape = `${counted(diagrams, 'diagram')} up to ${counted(depth, 'branch', 'branches')} deep`;
  return `${head}, ${tableBytes} bytes of table, ${shape}, up to ${counted(hits, 'hit')}, ${cost}`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
