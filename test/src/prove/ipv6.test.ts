import { describe, expect, it } from 'vitest';
import type { ObjectSpec } from '../../../codegen/object/spec.js';
import { IPV6_HEADERS } from '../../../codegen/program/packet/ipv6-headers.js';
import { judge } from '../../../src/prove/judge.js';
import { prove } from '../../../src/prove/prove.js';
import { withFunction, withImmediate } from './changes.js';
import { filterDump, jobOf, withObject, type JobOptions } from './support.js';

const INPUT: JobOptions = { hook: 'xdp', chain: 'INPUT', family: 'v6' };
const RULES = ['-A INPUT -s 2001:db8::/32 -p tcp --dport 22 -j ACCEPT'];

describe('objects for IPv6 on the wire', () => {
  const proved: readonly { readonly name: string; readonly rules: readonly string[]; readonly options: JobOptions }[] =
    [
      { name: 'ports at XDP', rules: RULES, options: INPUT },
      {
        name: 'devices at tc egress',
        rules: ['-A OUTPUT -o eth0 -p ipv6-icmp --icmpv6-type 128 -j ACCEPT'],
        options: { hook: 'tc', chain: 'OUTPUT', family: 'v6' },
      },
      {
        name: 'what is forwarded, pieces left to the stack',
        rules: ['-A FORWARD -m hl --hl-lt 5 -j ACCEPT', '-A FORWARD -m length --length 100:200'],
        options: { hook: 'xdp', chain: 'FORWARD', family: 'v6', fragments: 'pass' },
      },
    ];
  it.each(proved)(
    'proves $name',
    ({ rules, options }) => {
      expect(prove(jobOf(filterDump(rules), options))).toMatchObject({ kind: 'proved', rules: rules.length });
    },
    60_000,
  );

  it('refutes a port that is off by one, with a packet', async () => {
    const instead = RULES.map((rule) => rule.replace('22', '23'));
    const judgement = await judge(jobOf(filterDump(RULES), INPUT, filterDump(instead)));
    expect(judgement).toMatchObject({ kind: 'refuted', example: { what: 'verdict' } });
  }, 60_000);

  const changed: readonly { readonly name: string; change(spec: ObjectSpec): ObjectSpec }[] = [
    {
      name: 'a later fragment that is taken for a first one',
      change: (spec) => withFunction(spec, IPV6_HEADERS, (fn) => withImmediate(fn, 0xfff8n, 0x7ff8n)),
    },
    {
      name: 'a packet of another IP version that is judged',
      change: (spec) => withFunction(spec, 'ipt2bpf_input', (fn) => withImmediate(fn, 6n, 7n)),
    },
  ];
  it.each(changed)(
    'does not prove $name',
    ({ change }) => {
      expect(prove(withObject(jobOf(filterDump(RULES), INPUT), change)).kind).not.toBe('proved');
    },
    60_000,
  );
});
