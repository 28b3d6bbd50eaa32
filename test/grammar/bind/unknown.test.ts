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

/** Two matches that are described; whatever else iptables has is kept verbatim. */
const REGISTRY = new ModuleRegistry(
  'v4',
  [
    defineMatch({ ...described, name: 'udp', implicitFor: [17], options: { port } }),
    defineMatch({ ...described, name: 'mark', options: { mark } }),
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
    chains,
    isBuiltin: (name) => chains.has(name),
  });
  const context = { family: 'v4', table: 'mangle', chain: 'INPUT' } as const;
  const bound = bindRule(line, words, context, new ModuleBinder());
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
      name: 'options with a known number of words',
      text: '-m set --match-set a src,dst --return-nomatch -s 1.1.1.1',
      want: '-s 1.1.1.1/32 -m set --match-set a src,dst --return-nomatch',
    },
    {
      name: 'a value like an option',
      text: '-m string --string -j --algo bm',
      want: '-m string --string -j --algo bm',
    },
    {
      name: 'quotes as written',
      text: '-m string --string "a \\"b" --algo bm',
      want: '-m string --string "a \\"b" --algo bm',
    },
    {
      name: 'inversion',
      text: '-m set ! --match-set a src ! -s 1.1.1.1',
      want: '! -s 1.1.1.1/32 -m set ! --match-set a src',
    },
    { name: 'beginnings of options', text: '-m recent --nam x --rch', want: '-m recent --nam x --rch' },
    {
      name: 'an option that iptables has by its beginning',
      text: '-m recent --set --name x',
      want: '-m recent --set --name x',
    },
    {
      name: 'the option of another module',
      text: '-m mark --mark 1 -m connmark --mark 2',
      want: '-m mark --mark 1 -m connmark --mark 2',
    },
    {
      name: 'the same option in the other order',
      text: '-m connmark --mark 2 -m mark --mark 1',
      want: '-m connmark --mark 2 -m mark --mark 1',
    },
    {
      name: 'a word that may be left out',
      text: '-m rateest --rateest-bps --rateest-pps 5 --rateest-gt',
      want: '-m rateest --rateest-bps --rateest-pps 5 --rateest-gt',
    },
    {
      name: 'the protocol has a match of its own',
      text: '-p udp -m set --match-set a src --port 5',
      want: '-p udp -m set --match-set a src -m udp --port 5',
    },
    { name: 'the match of a protocol', text: '-p sctp --dport 5', want: '-p sctp -m sctp --dport 5' },
    {
      name: 'an unknown vocabulary',
      text: '-m geoip --source-country A,B x -s 1.1.1.1',
      want: '-s 1.1.1.1/32 -m geoip --source-country A,B x',
    },
    {
      name: 'an unknown vocabulary beside a known one',
      text: '-m geoip --src-cc A -m mark --ma 5 --other',
      want: '-m geoip --src-cc A --other -m mark --mark 5',
    },
    {
      name: 'an unknown vocabulary and the protocol',
      text: '-p udp -m geoip --src-cc A --port 5',
      want: '-p udp -m geoip --src-cc A -m udp --port 5',
    },
    {
      name: 'an unknown vocabulary and an option given before',
      text: '-m mark --mark 1 -m geoip --mark x',
      want: '-m mark --mark 1 -m geoip --mark x',
    },
    { name: 'dashes in an unknown vocabulary', text: '-m geoip --x -1 y', want: '-m geoip --x -1 y' },
    { name: 'a target', text: '-j TTL --ttl-set 64 -s 1.1.1.1', want: '-s 1.1.1.1/32 -j TTL --ttl-set 64' },
    { name: 'a target from elsewhere', text: '-j TARPIT --honeypot', want: '-j TARPIT --honeypot' },
  ])('$name', ({ text, want }) => {
    const { printed, codes } = bind(`-A INPUT ${text}`);
    expect({ printed, codes }).toEqual({ printed: [`${want}`], codes: [] });
  });

  it.each([
    { name: 'a missing word', text: '-m set --match-set a', want: ['missing-argument'] },
    { name: 'an option that the module does not have', text: '-m time --days Mon', want: ['unknown-option'] },
    { name: 'an inversion that it does not have', text: '-m time ! --utc', want: ['bad-inversion'] },
    { name: 'a module of no one', text: '-m nothing --x', want: ['unknown-match'] },
    { name: 'a target of no one', text: '-j NOTHING', want: ['unknown-target'] },
    { name: 'a target in a wrong table', text: '-j DNAT --to-destination 1.1.1.1', want: ['wrong-table'] },
    { name: 'a match of the other family', text: '-m eui64', want: ['wrong-family'] },
  ])('refuses $name', ({ text, want }) => expect(bind(`-A INPUT ${text}`).codes).toEqual(want));

  it('keeps the words as they read, `!` among them', () => {
    expect(bind('-A INPUT -m set ! --match-set "a b" src').kept).toEqual([
      { name: 'module', module: 'set', words: ['!', '--match-set', 'a b', 'src'] },
    ]);
  });
});
