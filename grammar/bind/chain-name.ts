import type { Diagnostic } from '../model/diagnostic.js';
import { problem, type Word } from '../syntax/index.js';
import { utf8Length } from '../model/utf8.js';

/** XT_EXTENSION_MAXNAMELEN - 1 */
const CHAIN_NAME_BYTES = 28;

/** Names that the chain engine gives a meaning of its own (libiptc `TC_CREATE_CHAIN`). */
const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'QUEUE', 'RETURN']);

/** Why a chain line cannot declare a chain of this name. */
export function declaredNameFault(word: Word): Diagnostic | undefined {
  if (utf8Length(word.text) > CHAIN_NAME_BYTES) {
    return problem('bad-chain-name', word, `chain name "${word.text}" is longer than ${CHAIN_NAME_BYTES} characters`);
  }
  if (VERDICTS.has(word.text)) return problem('bad-chain-name', word, `${word.text} is a verdict, not a chain name`);
  return undefined;
}

/** Why `-N` or `-E` cannot make a chain of this name; stricter than a chain line (xshared.c `assert_valid_chain_name`). */
export function chainNameFault(word: Word): Diagnostic | undefined {
  if (/^[-!]/.test(word.text)) {
    return problem('bad-chain-name', word, `a chain name cannot begin with "${word.text[0]}"`);
  }
  if (/[ \t\n\v\f\r]/.test(word.text)) return problem('bad-chain-name', word, 'a chain name cannot hold blanks');
  return declaredNameFault(word);
}
