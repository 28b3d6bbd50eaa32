import { describe, expect, it } from 'vitest';
import { compile } from '../../../../codegen/program/index.js';
import { residualQuestions, residualTables } from '../../../../codegen/program/netfilter/residual.js';
import { parseDump } from '../../../../grammar/index.js';

const CHAINS = [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];

function filter(...lines: readonly string[]): string {
  return ['*filter', ...CHAINS, ...lines, 'COMMIT', ''].join('\n');
}

const compiled = (text: string): ReturnType<typeof compile> =>
  compile(parseDump(text, { family: 'v4' }).ruleset, { hook: 'netfilter' });

const COUNT = '-m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr';
const ask = (program: string): string => `-m bpf --object-pinned /p/${program}`;

describe('questions about the packets that come to a test', () => {
  it('one chain for each test, to which those go that come there', () => {
    const text = filter(
      ':web - [0:0]',
      '-A INPUT -p tcp -m tcp --dport 80 -j web',
      `-A web ${COUNT} -j DROP`,
      '-A FORWARD -j web',
    );
    const result = compiled(text);
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
    const chain = (name: string): readonly string[] => [
      `-I ${name} 1 ${ask('ipt2bpf_ask')}`,
      `-I ${name} 2 ${ask(`ipt2bpf_rehearse_${name.toLowerCase()}`)}`,
      `-I ${name} 3 ${ask('ipt2bpf_ask_reach_0')} -j ipt2bpf-ask-0`,
    ];
    expect(residualQuestions(result.manifest, '/p')).toEqual([
      ':ipt2bpf-ask-0 - [0:0]',
      ...chain('INPUT'),
      ...chain('FORWARD'),
      `-A ipt2bpf-ask-0 ${COUNT} ${ask('ipt2bpf_ask_0')}`,
    ]);
  });

  it('memory that decides about the way is asked there, and other memory is not', () => {
    const result = compiled(
      filter(
        '-A INPUT -m limit --limit 1/min -j LOG',
        '-A INPUT -m limit --limit 2/min -j ACCEPT',
        `-A INPUT ${COUNT} -j DROP`,
        '-A INPUT -m limit --limit 3/min -j ACCEPT',
      ),
    );
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
    expect(result.manifest.asks?.questions.map(({ words }) => words.join(' '))).toEqual([
      '-m limit --limit 2/min',
      COUNT,
    ]);
    expect(result.manifest.asks?.rehearsals).toEqual([
      { program: 'ipt2bpf_rehearse_input', chain: 'INPUT', places: [0, 1] },
    ]);
  });

  it('an estimator is there before the question about it', () => {
    const target = '-j RATEEST --rateest-name a --rateest-interval 250.0ms --rateest-ewmalog 500.0ms';
    const question = '-m rateest --rateest a --rateest-gt --rateest-pps 5';
    const mangle = `*mangle\n-A POSTROUTING ${target}\nCOMMIT\n`;
    const result = compiled(mangle + filter(`-A INPUT ${question} -j DROP`));
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
    const text = residualTables(mangle, result.manifest, '/p');
    expect(text.indexOf(`-A ipt2bpf-rates ${target}`)).toBeGreaterThan(0);
    expect(text.indexOf(question)).toBeGreaterThan(text.indexOf(`-A ipt2bpf-rates ${target}`));
  });

  const cases: readonly { name: string; have: string; want: RegExp | undefined }[] = [
    {
      name: 'table mangle that only logs',
      have: `*mangle\n-A INPUT -j LOG\nCOMMIT\n${filter(`-A INPUT ${COUNT} -j DROP`)}`,
      want: undefined,
    },
    {
      name: 'table mangle that drops',
      have: `*mangle\n-A INPUT -p udp -j DROP\nCOMMIT\n${filter(`-A INPUT ${COUNT} -j DROP`)}`,
      want: /table mangle or nat may change or drop packets/,
    },
    {
      name: 'table nat that maps what leaves',
      have: `*nat\n-A OUTPUT -d 192.0.2.1/32 -j DNAT --to-destination 192.0.2.9\nCOMMIT\n${filter(`-A OUTPUT ${COUNT} -j DROP`)}`,
      want: /table mangle or nat may change or drop packets/,
    },
    {
      name: 'a chain that a packet may come to twice',
      have: filter(':c - [0:0]', '-A INPUT -j c', '-A INPUT -j c', `-A c ${COUNT} -j DROP`),
      want: /packets may come twice to rule 1 of chain c/,
    },
    {
      name: 'a list that other rules use, in front',
      have: filter(
        '-A INPUT -m recent --rcheck --name l --rsource -j ACCEPT',
        `-A INPUT ${COUNT} -j DROP`,
        '-A INPUT -m recent --set --name l --rsource',
      ),
      want: /the way there depends on recent, whose memory other rules share \(rule 1 of chain INPUT\)/,
    },
    {
      name: 'a rule with memory in front of the test for one chain, and not for another',
      have: filter(
        ':c - [0:0]',
        '-A INPUT -j c',
        `-A INPUT ${COUNT} -j DROP`,
        '-A FORWARD -j c',
        '-A c -m limit --limit 1/min -j ACCEPT',
      ),
      want: /rule 1 of chain c .* its memory would be with iptables for one chain and with the object for another/,
    },
    {
      name: 'an estimator of no rule',
      have: filter('-A INPUT -m rateest --rateest a --rateest-gt --rateest-pps 5 -j DROP'),
      want: /no rule of the dump makes its estimator/,
    },
  ];
  it.each(cases)('$name', ({ have, want }) => {
    const result = compiled(have);
    const said = result.ok ? '' : result.diagnostics.map(({ message }) => message).join('\n');
    if (want === undefined) expect(said).toBe('');
    else expect(said).toMatch(want);
  });
});
