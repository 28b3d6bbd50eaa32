import { agrees, differenceText, type Comparison } from '../../live/shadow.js';
import { visible } from '../output.js';

/** Examples that are shown to people; JSON has all that are kept. */
const MOST_SHOWN = 8;

/** How programs compare with iptables, in lines. */
export function comparisonLines(comparison: Comparison): readonly string[] {
  const chains = comparison.chains.map(
    ({ chain, bothAccept, bothDrop, onlyProgramsAccept, onlyIptablesAccepts, notCompared }) =>
      `${chain}: ${bothAccept + bothDrop} packets judged alike (${bothAccept} accepted), ` +
      `${onlyProgramsAccept + onlyIptablesAccepts} not` +
      (notCompared === 0n ? '' : `; ${notCompared} not compared`),
  );
  const examples = comparison.examples
    .slice(0, MOST_SHOWN)
    .map((one) => visible(`differs: iptables ${one.iptables} in ${one.chain}: ${differenceText(one)}`));
  return [...chains, ...examples, ...(agrees(comparison) ? ['no difference so far'] : [])];
}

export function comparisonJson({ chains, examples }: Comparison): object {
  return {
    chains,
    examples: examples.map((one) => ({ ...one, text: differenceText(one) })),
  };
}
