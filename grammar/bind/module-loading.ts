import type { Diagnostic } from '../model/diagnostic.js';
import type { Family } from '../model/family.js';
import type { MatchModule, TargetModule } from '../modules/define.js';
import { problem, type Word } from '../syntax/index.js';
import { extensionNames } from './extensions.js';
import type { Entry } from './registry.js';
import type { RuleDraft } from './rule-draft.js';
import type { KnownUse, Surroundings, UnknownUse } from './rule-words.js';
import { didYouMean } from '../modules/value/suggest.js';
import { utf8Length } from '../model/utf8.js';

/** `-m NAME` */
export function loadMatch(rule: RuleDraft, word: Word): void {
  const { registry, family } = rule.surroundings;
  const name = word.text;
  const entry = registry.match(name);
  if (entry !== undefined) return rule.addMatch(knownUse(entry, word));
  if (extensionNames('match').has(name)) return rule.addMatch(unknownUse(name, word));
  if (registry.isForeign('match', name)) {
    return rule.stop('wrong-family', word, `match ${name} is not for ${FAMILY_NAMES[family]}`, familyHint(family));
  }
  const names = [...registry.names('match'), ...extensionNames('match')];
  rule.stop('unknown-match', word, `there is no match "${name}"`, didYouMean(name, names));
}

/** The protocol's own match, for an option that no module has so far. False where there is none. */
export function loadProtocolMatch(rule: RuleDraft): boolean {
  const { protocol } = rule.head;
  if (protocol === undefined) return false;
  const entry = rule.surroundings.registry.implicit(protocol.value, protocol.at.text);
  if (entry === undefined) return false;
  rule.addMatch(knownUse(entry, protocol.at));
  return true;
}

/** Whether the protocol's own match has the option. */
export function protocolMatchHas(rule: RuleDraft, flag: string): boolean {
  const { protocol } = rule.head;
  if (protocol === undefined) return false;
  return rule.surroundings.registry.implicit(protocol.value, protocol.at.text)?.flags.has(flag) ?? false;
}

/** `-j NAME`: a chain goes before a target of its name. `-g NAME` takes chains alone. */
export function loadTarget(rule: RuleDraft, word: Word, argument: Word, goto: boolean): void {
  if (!rule.once(rule.target, word, '-j or -g')) return;
  const name = argument.text;
  const { chains, registry, family, isBuiltin } = rule.surroundings;
  const fault = targetNameFault(argument);
  if (fault !== undefined) return rule.addFault(fault);
  if (isBuiltin(name)) {
    return rule.fault('jump-to-builtin', argument, `${name} is a built-in chain, which no rule can jump to`);
  }
  if (chains.has(name)) return rule.setTarget({ kind: 'chain', name, goto, at: argument });
  if (goto) {
    const hint = didYouMean(name, chains.keys()) ?? declarationHint(name);
    return rule.stop('unknown-chain', argument, `-g needs a chain, "${name}" is none`, hint);
  }
  const entry = registry.target(name);
  if (entry !== undefined) return rule.setTarget(knownUse(entry, argument));
  if (extensionNames('target').has(name)) return rule.setTarget(unknownUse(name, argument));
  if (registry.isForeign('target', name)) {
    return rule.stop('wrong-family', argument, `target ${name} is not for ${FAMILY_NAMES[family]}`, familyHint(family));
  }
  const message = `"${name}" is neither a chain declared so far nor a target`;
  rule.stop('unknown-target', argument, message, targetHint(name, rule.surroundings));
}

const FAMILY_NAMES: Readonly<Record<Family, string>> = { v4: 'IPv4', v6: 'IPv6' };

function knownUse<M extends MatchModule | TargetModule>(entry: Entry<M>, at: Word): KnownUse<M> {
  return { kind: 'known', entry, at, given: {}, read: [], broken: false };
}

function unknownUse(name: string, at: Word): UnknownUse {
  return { kind: 'unknown', name, at, words: [] };
}

function targetHint(name: string, { chains, registry }: Surroundings): string {
  const names = [...chains.keys(), ...registry.names('target'), ...extensionNames('target')];
  return didYouMean(name, names) ?? declarationHint(name);
}

function declarationHint(name: string): string {
  return `declare the chain before its first use: ":${name} - [0:0]"`;
}

function familyHint(family: Family): string {
  const other = family === 'v4' ? 'v6' : 'v4';
  return `the rules are read as ${FAMILY_NAMES[family]}; are they ${FAMILY_NAMES[other]} ones (--family ${other})?`;
}

const TARGET_NAME_BYTES = 28;

/** xshared.c `xt_parse_target` */
function targetNameFault(word: Word): Diagnostic | undefined {
  if (word.text === '') return problem('unknown-target', word, 'the target has no name');
  if (utf8Length(word.text) > TARGET_NAME_BYTES) {
    return problem('unknown-target', word, `"${word.text}" is longer than ${TARGET_NAME_BYTES} characters`);
  }
  if (/[ \t\n\v\f\r]/.test(word.text)) return problem('unknown-target', word, `"${word.text}" holds a blank`);
  return undefined;
}
