import { describe, expect, it } from 'vitest';
import { readLine } from '../../../grammar/syntax/index.js';
import { defineMatch, option } from '../../../grammar/modules/define.js';
import { number } from '../../../grammar/modules/value/number.js';
import { TRUE } from '../../../grammar/model/condition.js';
import { ModuleBinder } from '../../../grammar/bind/bind-module.js';
import { bindRule } from '../../../grammar/bind/bind-rule.js';
import { ModuleRegistry } from '../../../grammar/bind/registry.js';
import { readRule } from '../../../grammar/bind/rule-reader.js';
import { printRule } from '../../../grammar/index.js';

const port = option('--port', number({ max: 65535 }), { invertible: true, doc: 'a port' });
const mark = option('--mark', number({ max: 65535 }), { invertible: true, required: true, doc: 'a mark' });
const described = { families: ['v4'], doc: '', condition: () => TRUE } as const;

/** Three matches that are described; what stands in the list of extensions from elsewhere is kept verbatim. */
const REGISTRY = new ModuleRegistry(
  'v4',
  [
    defineMatch({ ...described, name: 'udp', implicitFor: [17], options: { port } }),
    defineMatch({ ...described, name: 'mark', options: { mark } }),
    defineMatch({ ...described, name: 'eui64', aliases: ['old-eui64'], families: ['v6'], options: {} }),
  ],
  [],
);

function bind(text: string): {
  readonly printed: readonly string[];
  readonly codes: readonly string[];
  readonly kept: unknown;
} {
  const line = readLine(`${text}\n`, 1);
  if (line?.kind !== 'rule') throw new Error('not a rule');
  const chains = new Set(['INPUT']);
  const words = readRule(line.words, {
    registry: REGISTRY,
    family: 'v4',
    table: 'mangle',
    chain: 'INPUT',
    chains,
    isBuiltin: (name) => chains.has(name),
  });
  const bound = bindRule(line, words, new ModuleBinder());
  const [rule] = bound.rules;
  return {
    printed: bound.rules.map(printRule),
    codes: [...words.faults, ...bound.faults].map(({ code }) => code),
    kept: rule?.matches.flatMap(({ condition }) => (condition.kind === 'opaque' ? [condition.test] : [])),
  };
}

describe('modules that are not described', () => {
  it.each([
    {
      name: 'the words of an option, up to the next option of iptables',
      text: '-m geoip --source-country A,B x -s 1.1.1.1',
      want: '-s 1.1.1.1/32 -m geoip --source-country A,B x',
    },
    {
      name: 'quotes as written',
      text: '-m weburl --contains "a \\"b" --domain_only',
      want: '-m weburl --contains "a \\"b" --domain_only',
    },
    {
      name: 'inversion',
      text: '-m geoip ! --src-cc A ! -s 1.1.1.1',
      want: '! -s 1.1.1.1/32 -m geoip ! --src-cc A',
    },
    {
      name: 'the protocol has a match of its own',
      text: '-p udp -m geoip --src-cc A --port 5',
      want: '-p udp -m geoip --src-cc A -m udp --port 5',
    },
    {
      name: 'an unknown vocabulary beside a known one',
      text: '-m geoip --src-cc A -m mark --ma 5 --other',
      want: '-m geoip --src-cc A --other -m mark --mark 5',
    },
    {
      name: 'an unknown vocabulary and an option given before',
      text: '-m mark --mark 1 -m geoip --mark x',
      want: '-m mark --mark 1 -m geoip --mark x',
    },
    { name: 'dashes in an unknown vocabulary', text: '-m geoip --x -1 y', want: '-m geoip --x -1 y' },
    { name: 'a target from elsewhere', text: '-j TARPIT --honeypot', want: '-j TARPIT --honeypot' },
  ])('$name', ({ text, want }) => {
    const { printed, codes } = bind(`-A INPUT ${text}`);
    expect({ printed, codes }).toEqual({ printed: [`${want}`], codes: [] });
  });

  it.each([
    { name: 'a module of no one', text: '-m nothing --x', want: ['unknown-match'] },
    { name: 'a target of no one', text: '-j NOTHING', want: ['unknown-target'] },
    { name: 'a match of the other family', text: '-m eui64', want: ['wrong-family'] },
    { name: 'a match of the other family by its other name', text: '-m old-eui64', want: ['wrong-family'] },
  ])('refuses $name', ({ text, want }) => expect(bind(`-A INPUT ${text}`).codes).toEqual(want));

  it('keeps the words as they read, `!` among them', () => {
    expect(bind('-A INPUT -m geoip ! --src-cc "a b" x').kept).toEqual([
      { name: 'module', module: 'geoip', words: ['!', '--src-cc', 'a b', 'x'] },
    ]);
  });
});
