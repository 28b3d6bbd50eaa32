import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import { beforeAll, describe, expect, it } from 'vitest';

const FILE = 'editor/iptables.tmLanguage.json';

let grammar: textmate.IGrammar;
beforeAll(async () => {
  const wasm = readFileSync(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(Uint8Array.from(wasm).buffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(readFileSync(FILE, 'utf8'), FILE),
  });
  const loaded = await registry.loadGrammar('source.iptables');
  if (loaded === null) throw new Error('no grammar');
  grammar = loaded;
});

/** The first scope of the word, without the language's name. */
function scopeOf(line: string, word: string): string | undefined {
  const at = line.indexOf(word);
  const { tokens } = grammar.tokenizeLine(line, textmate.INITIAL);
  const token = tokens.find(({ startIndex, endIndex }) => startIndex <= at && at < endIndex);
  return token?.scopes.at(-1)?.replace(/\.iptables$/, '');
}

describe('colours', () => {
  const rule =
    '[5:300] -A INPUT -s 192.0.2.0/24 -p tcp -m tcp ! --dport 22 -m comment --comment "a -j b" -j LOG --log-level 4';
  const cases: readonly { line: string; word: string; want: string }[] = [
    { line: '# a comment', word: 'comment', want: 'comment.line.number-sign' },
    { line: '*filter', word: 'filter', want: 'entity.name.namespace' },
    { line: ':INPUT DROP [0:0]', word: 'INPUT', want: 'entity.name.function' },
    { line: ':INPUT DROP [0:0]', word: 'DROP', want: 'keyword.control.policy' },
    { line: 'COMMIT', word: 'COMMIT', want: 'keyword.other.commit' },
    { line: rule, word: '[5:300]', want: 'constant.numeric.counters' },
    { line: rule, word: 'INPUT', want: 'entity.name.function' },
    { line: rule, word: '192.0.2', want: 'constant.numeric.address' },
    { line: rule, word: 'tcp -m', want: 'support.constant.protocol' },
    { line: rule, word: 'tcp !', want: 'support.type.module' },
    { line: rule, word: '! ', want: 'keyword.operator.logical.not' },
    { line: rule, word: '--dport', want: 'variable.parameter.option' },
    { line: rule, word: '22', want: 'constant.numeric' },
    { line: rule, word: 'a -j b', want: 'string.quoted.double' },
    { line: rule, word: 'LOG', want: 'support.function.target' },
    { line: '-A ssh -j ACCEPT', word: 'ACCEPT', want: 'keyword.control.verdict' },
    { line: '-A ssh -g KUBE-SVC', word: 'KUBE-SVC', want: 'entity.name.function' },
    { line: '-A ssh -s 2001:db8::/32 -j DROP', word: '2001', want: 'constant.numeric.address' },
  ];
  it.each(cases)('$word in $line', ({ line, word, want }) => {
    expect(scopeOf(line, word)).toBe(want);
  });
});
