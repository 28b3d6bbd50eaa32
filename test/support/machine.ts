/** What of the machine tests need, and which of them it lacks: `root`, or a tool that is run. */
import { accessSync, constants } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import type { EngineName } from '../../src/verify/job.js';

/** What runs programs in the kernel, in a network namespace of its own. */
export const KERNEL = ['root', 'bpftool', 'ip'] as const;
/** What asks the kernel's iptables, in a network namespace of its own. */
export const IPTABLES = ['root', 'ip', 'iptables-legacy-restore', 'ip6tables-legacy-restore'] as const;

/** What of `needs` is not here. */
export function missing(needs: readonly string[]): string[] {
  return needs.filter((need) => (need === 'root' ? process.geteuid?.() !== 0 : !isInstalled(need)));
}

/** For the name of a test that is skipped where something is missing; empty where nothing is. */
export function skipReason(needs: readonly string[]): string {
  const lacking = missing(needs);
  return lacking.length === 0 ? '' : ` (skipped: needs ${lacking.join(', ')})`;
}

const NEEDS: readonly { readonly engine: EngineName; readonly needs: readonly string[] }[] = [
  { engine: 'interpreter', needs: [] },
  { engine: 'kernel', needs: KERNEL },
  { engine: 'iptables', needs: IPTABLES },
];

/** The engines that can run here. */
export const ENGINES: readonly EngineName[] = NEEDS.flatMap(({ engine, needs }) =>
  missing(needs).length === 0 ? [engine] : [],
);

/** The engines that run, and why others do not, for the name of a test. */
export const ENGINES_HERE = NEEDS.map(({ engine, needs }) => `${engine}${skipReason(needs)}`).join(', ');

function isInstalled(tool: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(resolve(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
