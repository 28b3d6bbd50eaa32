import { CommandError, hasCommand, run } from '../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import type { Generation } from '../../bpf-runtime/dispatch/control.js';
import type { ResidualRule } from '../../codegen/program/manifest.js';
import { placesOf, questionRules } from '../../codegen/program/netfilter/residual.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import { quoteIfNeeded } from '../../grammar/syntax/index.js';
import { generationObject, hasGeneration } from './generation.js';
import type { LiveManifest } from './object.js';
import type { Pins } from './pins.js';
import { currentNamespace, type DeploymentRecord } from './record.js';

const WAIT = ['-w', '60'];
/** Chains of ours: those that built-in chains jump to, and those of single rules. */
const OWN_CHAIN = /^:(ipt2bpf[01]-[a-z0-9-]+) /;
const OWN_JUMP = /^-A [A-Z]+ -j ipt2bpf[01]-[a-z]+$/;
/** Behind the programs iptables does what they cannot, in front of them it is asked, also for what table filter defines. */
const TABLES = ['filter', 'mangle'] as const;
type ResidualTable = (typeof TABLES)[number];

const command = (family: Family): string => (family === 'v4' ? 'iptables' : 'ip6tables');
/** The generation that a rule or a chain of ours belongs to. */
const OWN_RULE = /^-A .*\bipt2bpf([01])-/;
const words = (...parts: readonly string[]): string => parts.map(quoteIfNeeded).join(' ');

/** A generation with rules of iptables that know or do what its programs cannot. */
export interface ResidualOwner {
  readonly side: Generation;
  readonly manifest: Pick<LiveManifest, 'residual' | 'asks'>;
}

/** Whether iptables has to know or to do something for an object's programs. */
export function hasResidual({ residual, asks }: ResidualOwner['manifest']): boolean {
  return residual !== undefined || asks !== undefined;
}

/** Whether rules of iptables may stand beside a deployment's programs: beside those of table filter alone. */
export function hasRulesBeside({ hook, table }: DeploymentRecord): boolean {
  return hook === 'netfilter' && table === 'filter';
}

/**
 * Makes iptables hold, in front of all its other rules, those that know or do for the programs of some generations what
 * these cannot, and for no others: in chains of their own, each table changed in one step. Each rule asks a pinned program
 * of its generation, so that those of two do not meet. The policies of the chains and other rules stay as they are.
 * `fresh`: rules that are there already may be others now. Throws `ruleset-refused`, `command-missing`.
 */
export function setResidualRules(pins: Pins, family: Family, owners: readonly ResidualOwner[], fresh = true): void {
  const wanted = owners.filter(({ manifest }) => hasResidual(manifest));
  if (wanted.length === 0 && !hasCommand(command(family))) return;
  const lines = TABLES.flatMap((table) => tableChange(table, pins, family, wanted, fresh));
  if (lines.length > 0) restore(family, lines);
}

/** Lines of a restore text that change one table; none where it is as it should be. */
function tableChange(
  table: ResidualTable,
  pins: Pins,
  family: Family,
  owners: readonly ResidualOwner[],
  fresh: boolean,
): readonly string[] {
  const saved = run(`${command(family)}-save`, ['-t', table]).split('\n');
  const own = saved.flatMap((line) => OWN_CHAIN.exec(line)?.[1] ?? []);
  const jumps = saved.filter((line) => OWN_JUMP.test(line));
  const parts = owners.map((owner) => partOf(table, pins, owner));
  const heads = parts.flatMap(({ chains }) => chains);
  const wanted = parts.flatMap((part) => part.jumps);
  const stale = own.filter((chain) => !heads.includes(chain));
  const settled = stale.length === 0 && wanted.length === jumps.length && heads.length === own.length;
  if (settled && (!fresh || heads.length === 0)) return [];
  return [
    `*${table}`,
    // A chain that is named in the head is made or emptied, in one step with the rules that follow.
    ...heads.map((chain) => `:${chain} - [0:0]`),
    ...jumps.filter((line) => !wanted.includes(line)).map((line) => line.replace('-A ', '-D ')),
    ...stale.map((chain) => `-F ${chain}`),
    ...stale.map((chain) => `-X ${chain}`),
    ...parts.flatMap(({ rules }) => rules),
    ...wanted.filter((line) => !jumps.includes(line)).map(toFront),
    'COMMIT',
  ];
}

interface Part {
  readonly chains: readonly string[];
  readonly rules: readonly string[];
  /** As `iptables-save` prints them. */
  readonly jumps: readonly string[];
}

const toFront = (jump: string): string => jump.replace(/^-A (\S+)/, '-I $1 1');
const partOf = (table: ResidualTable, pins: Pins, owner: ResidualOwner): Part =>
  table === 'filter' ? residualPart(pins, owner) : askingPart(pins, owner);
const entryChain = (side: Generation, chain: BuiltinChain): string => `ipt2bpf${side}-${chain.toLowerCase()}`;
const jumpTo = (side: Generation, chain: BuiltinChain): string => `-A ${chain} -j ${entryChain(side, chain)}`;
const asking = (pins: Pins, side: Generation, program: string): readonly string[] => [
  ...['-m', 'bpf', '--object-pinned', pins.generation(side, 'asks', program)],
];

/** Rules behind the programs, as residualFilter of codegen/program/netfilter/residual.ts has them. */
function residualPart(pins: Pins, { side, manifest }: ResidualOwner): Part {
  const estimators = manifest.asks?.estimators ?? [];
  const rates = `ipt2bpf${side}-rates`;
  const defined = estimators.map((target) => words('-A', rates, ...target));
  const given = manifest.residual?.rules ?? [];
  const builtin = [...new Set(given.flatMap(({ chains }) => chains))];
  const single = (index: number): string => `ipt2bpf${side}-rule-${index}`;
  const singles = given.flatMap(({ only }, index) => (only === undefined ? [] : [single(index)]));
  const rules = given.flatMap(({ program, chains, only, target }, index) => {
    const then = only === undefined ? target : ['-j', single(index)];
    const questions = chains.map((chain) =>
      words('-A', entryChain(side, chain), ...asking(pins, side, program), ...then),
    );
    return only === undefined ? questions : [...questions, ...singleRules(single(index), only, target)];
  });
  const entries = builtin.map((chain) => entryChain(side, chain));
  return {
    chains: [...entries, ...singles, ...(estimators.length === 0 ? [] : [rates])],
    rules: [...rules, ...defined],
    jumps: builtin.map((chain) => jumpTo(side, chain)),
  };
}

/**
 * Some targets want `-p tcp` in their rule, which drops IPv6 packets at once whose headers cannot be followed: such a rule
 * stands in a chain to which only the packets come that are for it.
 */
function singleRules(chain: string, only: readonly string[], target: ResidualRule['target']): readonly string[] {
  const rule = words('-A', chain, ...only, ...target);
  return target[1] === 'REJECT' ? [rule, words('-A', chain, '-j', 'DROP')] : [rule];
}

/** Rules in front of the programs, as residualQuestions has them. */
function askingPart(pins: Pins, { side, manifest }: ResidualOwner): Part {
  const { asks } = manifest;
  if (asks === undefined) return { chains: [], rules: [], jumps: [] };
  const builtin = [...new Set(asks.questions.flatMap(({ chains }) => chains))];
  const entries = new Map<string, string>(builtin.map((chain) => [chain, entryChain(side, chain)]));
  const place = (index: number): string => `ipt2bpf${side}-ask-${index}`;
  const rules = questionRules(asks, { ask: (program) => asking(pins, side, program), place });
  return {
    chains: [...entries.values(), ...placesOf(asks).map(place)],
    rules: rules.map(({ chain, words: rule }) => words('-A', entries.get(chain) ?? chain, ...rule)),
    jumps: builtin.map((chain) => jumpTo(side, chain)),
  };
}

/** Rules of iptables that a change adds and takes away: words of its command, behind its name. */
export interface RuleChange {
  readonly gets: readonly string[];
  readonly loses: readonly string[];
}

/**
 * What becomes of the rules beside a deployment's programs where in the end those of `owners` are there and no others.
 * `anew`: a generation that another one is made in the place of. Changes nothing. Throws `command-missing`.
 */
export function planRules(
  pins: Pins,
  record: DeploymentRecord,
  owners: readonly ResidualOwner[],
  anew?: Generation,
): RuleChange {
  const wanted = owners.filter(({ manifest }) => hasResidual(manifest));
  const tool = command(record.family);
  const untouched = !hasRulesBeside(record) || record.namespace !== currentNamespace();
  if (untouched || (wanted.length === 0 && !hasCommand(tool))) return { gets: [], loses: [] };
  const changes = TABLES.map((table): RuleChange => {
    const there = run(`${tool}-save`, ['-t', table])
      .split('\n')
      .flatMap((line) => {
        const side = OWN_RULE.exec(line)?.[1];
        return side === undefined ? [] : [{ line, side: side === '1' ? 1 : 0 }];
      });
    const has = (side: Generation): boolean => side !== anew && there.some((rule) => rule.side === side);
    const stays = (side: number): boolean => side !== anew && wanted.some((owner) => owner.side === side);
    const parts = wanted.filter(({ side }) => !has(side)).map((owner) => partOf(table, pins, owner));
    const inTable = (line: string): string => `-t ${table} ${line}`;
    return {
      gets: parts.flatMap(({ rules, jumps }) => [...rules, ...jumps.map(toFront)].map(inTable)),
      loses: there.filter(({ side }) => !stays(side)).map(({ line }) => inTable(line.replace('-A ', '-D '))),
    };
  });
  return { gets: changes.flatMap(({ gets }) => gets), loses: changes.flatMap(({ loses }) => loses) };
}

function restore(family: Family, lines: readonly string[]): void {
  const tool = `${command(family)}-restore`;
  try {
    run(tool, [...WAIT, '--noflush'], [...lines, ''].join('\n'));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new RuntimeError('ruleset-refused', `${tool}: ${(error.stderr || error.stdout).trim()}`);
  }
}

/** The generations that there are of some sides. */
export function ownersOf(pins: Pins, sides: readonly Generation[]): readonly ResidualOwner[] {
  return sides
    .filter((side) => hasGeneration(pins, side))
    .map((side) => ({ side, manifest: generationObject(pins, side).manifest }));
}

/** Takes the rules of all generations away but those of the one that is in force for good. */
export function settleResidual(pins: Pins, record: DeploymentRecord, side: Generation): void {
  if (!hasRulesBeside(record) || record.namespace !== currentNamespace()) return;
  setResidualRules(pins, record.family, ownersOf(pins, [side]), false);
}
