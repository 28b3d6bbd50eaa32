import type { Diagnostic, SourceRange } from '../model/diagnostic.js';

/** Every code that reading a dump can report, with what it means. Codes are stable. */
export const CODES = {
  // the file
  'byte-order-mark': 'the file starts with a byte order mark',
  crlf: 'a line ends in CR LF',
  'nul-character': 'a line holds a NUL character, where the tool stops reading it',
  'line-too-long': 'a line is longer than the buffer of iptables-restore (10,239 bytes)',
  'word-too-long': 'a word is longer than iptables-restore takes (1,023 bytes)',
  'too-many-words': 'the line has more words than iptables-restore takes (251)',
  'no-table': 'a line stands outside of any table',
  'table-not-closed': 'a table begins, or the file ends, before COMMIT',
  'bad-table': 'the table line names no table, or one that does not exist',
  'bad-commit': 'COMMIT is not exactly that word and a newline',
  'bad-counters': 'counters are not [packets:bytes]',
  'open-quote': 'a quote is never closed: the word takes in the rest of the line, newline and all',
  'indented-comment': 'a comment that does not begin in the first column, or behind a rule',
  // chains
  'bad-chain-line': 'a chain line lacks its name or its policy',
  'bad-chain-name': 'the name cannot be that of a chain',
  'chain-exists': 'the chain is declared already',
  'unknown-chain': 'the chain has not been declared so far',
  'bad-policy': 'the policy is not ACCEPT or DROP, or the chain is not a built-in one',
  'jump-to-builtin': 'a built-in chain cannot be jumped to',
  'chain-loop': 'chains that a hook reaches call each other in a circle',
  'chain-too-deep': 'chains that a hook reaches call each other deeper than this tool follows (1,000)',
  'too-many-rules': 'there are more rules than this tool reads (500,000)',
  'chain-in-use': 'the chain is not empty, or rules jump to it',
  'no-such-rule': 'no rule has this number or text',
  // words of a rule
  'bad-argument': 'a word that belongs to no option',
  'unknown-option': 'no loaded module has the option',
  'ambiguous-option': 'the abbreviation fits more than one option',
  'missing-argument': 'the option lacks a word',
  'glued-argument': 'a value glued to a core option, which iptables before 1.8.10 reads otherwise or not at all',
  'repeated-option': 'the option is given twice',
  'illegal-option': 'the option cannot be used with this command or in a dump',
  'bad-inversion': '`!` where it cannot stand',
  'no-command': 'the line has no -A or other command',
  'bad-command': 'commands contradict each other or lack a word',
  'bad-number': 'a rule number or a counter is not a number',
  // addresses, interfaces, protocols
  'bad-address': 'the address or its mask cannot be read',
  'host-name': 'a host name stands for an address',
  'inverted-list': '`!` before a list of addresses',
  'bad-interface': 'the interface name is empty or too long',
  'odd-interface': 'the interface name holds a character that no interface can have',
  'interface-at-hook': 'the chain has no such interface',
  'bad-protocol': 'the protocol is not known, or can never match',
  'extension-header-protocol': '-p names an IPv6 extension header, which it never matches',
  'fragment-in-ipv6': '-f does not exist in IPv6',
  // modules
  'unknown-match': 'no match has this name',
  'unknown-target': 'neither a chain nor a target has this name',
  'wrong-family': 'the module is for the other IP version',
  'wrong-table': 'the module cannot be used in this table',
  'wrong-hook': 'the module cannot be used in a chain reached from this hook',
  'wrong-protocol': 'the match needs another -p',
  'bad-value': 'the value of an option cannot be read',
  'reversed-range': 'a range ends before it starts, as iptables before 1.8.10 took it: it holds nothing',
  'missing-option': 'the module lacks an option that it needs',
  'excluded-option': 'two options of a module exclude each other',
  'module-check': 'the options of a module do not go together',
} as const;

/** A code of {@link CODES}. */
export type Code = keyof typeof CODES;

/** An error at a place. */
export function problem(code: Code, at: SourceRange, message: string, hint?: string): Diagnostic {
  const { line, column, length } = at;
  return { code, severity: 'error', line, column, length, message, ...(hint === undefined ? {} : { hint }) };
}

/** Something that the tool takes, but that hardly does what was meant. */
export function warning(code: Code, at: SourceRange, message: string, hint?: string): Diagnostic {
  return { ...problem(code, at, message, hint), severity: 'warning' };
}
