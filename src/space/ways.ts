import { opaqueTests } from '../../grammar/model/condition-parts.js';
import type { Rule } from '../../grammar/model/ruleset.js';
import { ruleCondition, setMark } from '../evaluate/evaluate.js';
import { TRUE } from './diagram.js';
import type { MarkChange, Way } from './meaning.js';
import { asksMark } from './outcomes.js';
import { natureOf, replacesMark, restores, type TargetNature } from '../evaluate/targets.js';

/** Nothing has happened to any packet. */
export const IDENTITY: Way = { clear: 0, flip: 0, where: TRUE };

/** Whether later rules may meet the packet, its mark or its connection otherwise behind the rule. */
export function changesPacket(rule: Rule): boolean {
  if (rule.target.effect.kind === 'mark') return true;
  const nature = natureOfRule(rule);
  return nature !== undefined && nature !== 'decides' && nature !== 'goes-on';
}

/** Whether later rules may meet other bytes behind the rule. */
export function rewrites(rule: Rule): boolean {
  const nature = natureOfRule(rule);
  return nature === 'rewrites' || nature === 'unknown';
}

/** One change behind another is one change. */
export function marked(way: MarkChange, { clear, flip }: MarkChange): MarkChange {
  return { clear: (way.clear | clear) >>> 0, flip: setMark(way.flip, { kind: 'mark', clear, flip }) };
}

/** The same text where the same has happened. */
export function changeKey(way: Way): string {
  return `${markKey(way)} ${way.rewritten ?? ''} ${way.connectionMark ?? ''} ${way.tracked ?? ''}`;
}

function markKey({ clear, flip, otherMark }: Way): string {
  return `${clear} ${flip} ${otherMark ?? ''}`;
}

/** One change behind others. */
export function behind(before: string | undefined, change: string): string {
  return before === undefined ? change : `${before}, ${change}`;
}

/** A mark from elsewhere: from the connection, or reckoned from the packet. */
export function markedFrom(way: Way, target: string, words: readonly string[]): Way {
  const sources = restores(target, words) ? [way.connectionMark, way.tracked] : [way.rewritten];
  const kept = replacesMark(words) ? [] : [`of ${markKey(way)}`];
  const otherMark = [target, ...words, ...sources.filter((source) => source !== undefined), ...kept].join(' ');
  return { ...way, clear: 0, flip: 0, otherMark };
}

/** The mark of the connection, set or saved from the packet's. */
export function connectionMarked(way: Way, text: string, words: readonly string[]): string {
  const saved = words.includes('--save-mark') ? `${text} of ${markKey(way)}` : text;
  return replacesMark(words) ? saved : behind(way.connectionMark, saved);
}

/** What rules see of the changes that others make. */
export interface Sight {
  /** Any of them. */
  readonly changes: boolean;
  /** The mark of the connection. */
  readonly connectionMark: boolean;
  /** Which connection it is. */
  readonly connection: boolean;
}

export function sightOf(rules: readonly Rule[]): Sight {
  const tests = rules.flatMap((rule) => opaqueTests(ruleCondition(rule)));
  const restored = rules.some(
    ({ target: { effect } }) => effect.kind === 'opaque' && restores(effect.target, effect.words),
  );
  const connectionMark = restored || tests.some((test) => test.name === 'module' && test.module === 'connmark');
  const connection = restored || tests.some(({ name }) => ['ctstate', 'conntrack', 'module'].includes(name));
  const changes = rules.some((rule) => {
    const nature = natureOfRule(rule);
    if (asksMark(ruleCondition(rule)) || rewrites(rule)) return true;
    return (nature === 'marks-connection' && connectionMark) || (nature === 'tracks' && connection);
  });
  return { changes, connectionMark, connection };
}

function natureOfRule({ target: { effect } }: Rule): TargetNature | undefined {
  return effect.kind === 'opaque' ? natureOf(effect.target, effect.words) : undefined;
}

export function wayKey(way: Way): string {
  return `${changeKey(way)} ${way.where}`;
}

export function isUnchanged(ways: readonly Way[]): boolean {
  return ways.length === 1 && changeKey(ways[0]) === changeKey(IDENTITY);
}
