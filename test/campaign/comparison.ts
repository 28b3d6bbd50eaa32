import type { Family } from '../../grammar/index.js';
import { compare, type Difference } from './fuzz-compare.js';
import type { FuzzInput } from './fuzz-input.js';
import { reasonFor } from './fuzz-reasons.js';
import { Tool } from './fuzz-tool.js';

/** Folder with iptables, ip6tables-restore and so on, where they are not the installed ones. */
const BUILD = process.env.IPT2BPF_IPTABLES;
const BATCH = 250;
const FAMILIES: readonly Family[] = ['v4', 'v6'];

/** An input with a title that finds it again. */
export interface Asked extends FuzzInput {
  readonly title: string;
}

/** Differences without a reason, and how many there are for each reason. */
export class Comparison {
  readonly unexplained: string[] = [];
  private readonly reasons = new Map<string, number>();
  private readonly agreed = { both: 0, neither: 0 };
  private version = '';

  /** `sets` gives the commands for `ipset restore` of a family. */
  constructor(private readonly sets: (family: Family) => string) {}

  run(inputs: readonly Asked[]): void {
    for (const family of FAMILIES) {
      const tool = this.tool(family);
      this.version = tool.version();
      const asked = inputs.filter((input) => input.family === family);
      try {
        for (let at = 0; at < asked.length; at += BATCH) this.batch(tool, asked.slice(at, at + BATCH));
      } finally {
        tool.close();
      }
    }
  }

  private tool(family: Family): Tool {
    return new Tool(family, BUILD, this.sets(family));
  }

  private batch(tool: Tool, inputs: readonly Asked[]): void {
    const answers = tool.ask(inputs.map(({ text }) => text));
    inputs.forEach((input, i) => {
      const difference = compare(input, answers[i]);
      // What an input before it left behind may have had a part in it.
      if (difference === undefined) this.agreed[answers[i].accepted ? 'both' : 'neither']++;
      else this.add(input, this.alone(input));
    });
  }

  private alone(input: Asked): Difference | undefined {
    const tool = this.tool(input.family);
    try {
      return compare(input, tool.ask([input.text])[0]);
    } finally {
      tool.close();
    }
  }

  private add({ title }: Asked, difference: Difference | undefined): void {
    if (difference === undefined) return;
    const reason = reasonFor(difference, this.version);
    if (reason === undefined) this.unexplained.push(`${title}: ${describeDifference(difference)}`);
    else this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  /** Figures in one line. */
  text(): string {
    const reasons = [...this.reasons].map(([title, count]) => `${count} ${title}`).join(', ');
    return (
      `iptables ${this.version}: ${this.agreed.both} loaded and printed alike, ${this.agreed.neither} refused by both; ` +
      `differ: ${reasons}; ${this.unexplained.length} unexplained`
    );
  }
}

function describeDifference({ kind, input, diagnostics, printed, answer, saved }: Difference): string {
  switch (kind) {
    case 'accepted':
      return `refused by the tool alone: ${answer.message}\n${input.text}`;
    case 'refused':
      return `refused by the parser alone: ${diagnostics[0].message}\n${input.text}`;
    case 'text':
      return `printed\n${printed}saved\n${saved}`;
    default:
      return kind satisfies never;
  }
}
