import type { ChainPlan, OptimizerPlan, StretchPlan } from '../../codegen/program/index.js';
import type { Mode } from '../../codegen/program/manifest.js';

/** What `compile --stats` tells: for each chain how its stretches are judged, their sizes and expected costs. */
export function planLines(plans: readonly ChainPlan[]): readonly string[] {
  const name = naming(plans);
  return plans.flatMap((plan) => plan.stretches.map((stretch) => `${name(plan)}: ${describe(stretch)}`));
}

/** A chain's name, with its program's where there are several. */
function naming(plans: readonly ChainPlan[]): (plan: ChainPlan) => string {
  const several = new Set(plans.map(({ program }) => program)).size > 1;
  return ({ program, chain }) => `${several ? `${program}: ` : ''}chain ${chain}`;
}

/** What `--engine dag` could not be done for: early objects have no diagrams, and few rules, or rules that boxes say nothing of, get none. */
export function unforcedLines(mode: Mode, plans: readonly ChainPlan[]): readonly string[] {
  const name = naming(plans);
  return plans.flatMap((plan) => {
    const rules = plan.stretches.reduce((sum, stretch) => sum + (stretch.engine === 'linear' ? stretch.rules : 0), 0);
    if (rules === 0) return [];
    const why =
      mode === 'early' ? 'objects in mode early have no diagrams' : 'too few, or too different, for a diagram';
    return [`not looked up: ${name(plan)}, ${counted(rules, 'rule')}: ${why}`];
  });
}

/** What the optimizer has done, a line a program; none where it has done nothing. */
export function optimizerLines(programs: readonly OptimizerPlan[]): readonly string[] {
  return programs.flatMap(({ program, simplified, removed, inlined }) => {
    const parts = [
      ...(simplified === 0 ? [] : [`${counted(simplified, 'rule asks', 'rules ask')} less than written`]),
      ...(removed.length === 0
        ? []
        : [`${counted(removed.length, 'rule has', 'rules have')} no code (no packet needs it)`]),
      ...(inlined.length === 0
        ? []
        : [counted(inlined.length, 'chain stands where it is jumped to', 'chains stand where they are jumped to')]),
    ];
    const head = programs.length > 1 ? `${program}: ` : '';
    return parts.length === 0 ? [] : [`${head}optimizer: ${parts.join(', ')}`];
  });
}

function describe(stretch: StretchPlan): string {
  const { engine, rules, lists, codeBytes, tableBytes, diagrams, depth, hits, nanoseconds } = stretch;
  const cost = `about ${Math.max(1, Math.round(nanoseconds))} ns`;
  const listed = lists === 0 ? '' : ` (${counted(lists, 'list')})`;
  const head = `${engine}, ${counted(rules, 'rule')}${listed}, ${codeBytes} bytes of code`;
  if (engine === 'linear') return `${head}, ${cost}`;
  const shape = `${counted(diagrams, 'diagram')} up to ${counted(depth, 'branch', 'branches')} deep`;
  return `${head}, ${tableBytes} bytes of table, ${shape}, up to ${counted(hits, 'hit')}, ${cost}`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
