import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../codegen/program/manifest.js';
import { askPrograms, residualTables } from '../../codegen/program/netfilter/residual.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import { Tools, type Variant } from '../iptables/tables.js';
import type { Link } from '../kernel/link.js';
import { pin } from '../kernel/pin.js';
import type { LoadedProgram } from '../kernel/program.js';
import type { LoadedObject } from '../kernel/raw-load.js';
import { RuntimeError } from '../system/error.js';
import type { NetworkNamespace } from '../system/namespace.js';
import { attachNetfilter, PRIORITY } from './link.js';

/** What an object for netfilter hooks says of its programs. */
export type NetfilterPlan = Pick<Manifest, 'family' | 'table' | 'programs' | 'residual' | 'asks'>;

/**
 * When what belongs to an object runs: its programs right before the table of iptables in whose place they are, whose rules do
 * the rest; what stands behind them right behind it. No object is in the place of table nat.
 */
export function objectPriority(table: TableName, what: 'programs' | 'behind'): number {
  const priority = table === 'nat' ? PRIORITY.dnat : PRIORITY[table];
  return what === 'programs' ? priority - 1 : priority + 1;
}

/**
 * Attaches all programs of an object in a network namespace (default: the calling thread's), and the guard before
 * them: at no moment does a packet that is to be rejected get through. Without {@link addResidual} packets that
 * iptables has to do something for are dropped. Throws `hook-taken` where another program is at the same hook and priority; then nothing is attached.
 */
export function attachObject(
  object: LoadedObject,
  plan: NetfilterPlan,
  namespace?: NetworkNamespace,
): { close(): void } {
  const { family, table, programs, residual } = plan;
  const links: Link[] = [];
  const close = (): void => {
    for (const link of links.reverse()) link.close();
  };
  const attach = (name: string, hook: BuiltinChain, priority: number): void => {
    links.push(attachNetfilter(programOf(object, name), { family, hook, priority }, namespace));
  };
  try {
    for (const { chain } of programs)
      if (residual !== undefined) attach(residual.guard, chain, objectPriority(table, 'behind'));
    for (const { name, chain } of programs) attach(name, chain, objectPriority(table, 'programs'));
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}

function programOf({ programs }: LoadedObject, name: string): LoadedProgram {
  const program = programs.get(name);
  if (program === undefined) throw new RuntimeError('no-program', `the object has no program ${name}`);
  return program;
}

export interface ResidualOptions {
  /** Directory in a BPF file system to make for the pins, which the rules name: `/sys/fs/bpf/NAME`. */
  readonly pins: string;
  /** Default legacy. */
  readonly variant?: Variant;
  /** What `compile --residual` writes for these pins: loaded in the place of all tables that it names. */
  readonly text?: string;
}

/**
 * Pins the socket filters that residual rules ask and adds, in the calling thread's network namespace, these rules of
 * iptables: table filter is to have no others. The tool opens the pins again whenever the table is changed: they stay.
 * Throws `ruleset-refused` with the tool's message; then no pin is left. Nothing to do where there are no such rules and no text.
 */
export function addResidual(object: LoadedObject, plan: NetfilterPlan, options: ResidualOptions): void {
  const { residual, asks } = plan;
  if (residual === undefined && asks === undefined && options.text === undefined) return;
  const asked = asks === undefined ? [] : askPrograms(asks);
  const names = new Set([...(residual?.rules ?? []).map(({ program }) => program), ...asked]);
  mkdirSync(options.pins);
  try {
    for (const name of names) pin(programOf(object, name).fd, join(options.pins, name));
    const tools = new Tools(plan.family, options.variant ?? 'legacy');
    if (options.text === undefined) tools.restore(residualTables('', plan, options.pins), { keep: true });
    else tools.restore(options.text);
  } catch (error) {
    removePins(options.pins);
    throw error;
  }
}

/** Removes the pins of {@link addResidual}. Rules that name them go on, until the table is changed. */
export function removePins(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
