/**
 * Objects with one thing changed: the proof of none that does something else may succeed. IPT2BPF_MUTANTS=N tries N
 * of them for each ruleset, and prints the figures of docs/proof.md.
 */
import { expect, it } from 'vitest';
import { LoadError } from '../../../bpf-runtime/interpreter/fault.js';
import { readObject } from '../../../codegen/object/read.js';
import { writeObject } from '../../../codegen/object/write.js';
import { firstMismatch } from '../../../src/prove/counterexample.js';
import { prove } from '../../../src/prove/prove.js';
import { declaredStates } from '../../../src/verify/connection-state.js';
import { generatePackets } from '../../../src/verify/generate.js';
import type { VerifyJob } from '../../../src/verify/job.js';
import { Random } from '../../../src/verify/random.js';
import { crossingRules, goingOnRules } from './crossing.js';
import { mutate, mutateTable, mutateTaking, mutateWithLines } from './mutants.js';
import { filterDump, jobOf, type JobOptions } from './support.js';

const COUNT = Number(process.env.IPT2BPF_MUTANTS ?? 4);
const SEED = Number(process.env.IPT2BPF_SEED ?? 1);
const PACKETS = 400;

const RULES = [
  '-A INPUT -i lo -j ACCEPT',
  '-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT',
  '-A INPUT -p tcp -m multiport --dports 80,443,8000:8080 -j web',
  '-A INPUT -p icmp --icmp-type 8 -j ACCEPT',
  '-A INPUT ! -s 192.168.0.0/16 -p udp --sport 53 -j DROP',
  '-A web -m iprange --src-range 1.2.3.4-1.2.4.9 -j RETURN',
  '-A web -p tcp --syn',
  '-A web -j ACCEPT',
];

const RULES_V6 = [
  '-A INPUT -s 2001:db8::/32 -p tcp --dport 22 -j ACCEPT',
  '-A INPUT -p tcp -m multiport --dports 80,443,8000:8080 -j web',
  '-A INPUT -p ipv6-icmp --icmpv6-type 128 -j ACCEPT',
  '-A INPUT ! -s fe80::/10 -p udp --sport 53 -j DROP',
  '-A web -p tcp --syn',
  '-A web -j ACCEPT',
];

const STATEFUL = [
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A INPUT -m conntrack --ctstate INVALID -j DROP',
  '-A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT',
  '-A INPUT -s 10.0.0.0/8 -j web',
  '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
  '-A web -p udp -m udp --dport 53 -j ACCEPT',
];

/** Enough rules of chain INPUT for a diagram. */
const LOOKED_UP = [
  '-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT',
  '-A INPUT -s 10.1.0.0/16 -p tcp --dport 80:90 -j DROP',
  '-A INPUT -d 192.0.2.0/24 -p udp --sport 53',
  '-A INPUT -d 192.0.2.7/32 -j web',
  '-A INPUT -s 198.51.100.0/24 -p tcp --dport 1024:65535 -j ACCEPT',
  '-A INPUT -s 203.0.113.9/32 -j DROP',
  '-A INPUT -p tcp -m multiport --dports 25,110,143 -j DROP',
  '-A INPUT -p icmp --icmp-type 8 -j ACCEPT',
  '-A INPUT -s 172.16.0.0/12 -d 192.0.2.0/25 -j ACCEPT',
  '-A web -p tcp --dport 443 -j ACCEPT',
  '-A web -p tcp --syn -j RETURN',
  '-A web -j DROP',
];

/** A list, and chains that stand where they are jumped to. */
const FOLDED = [
  '-A INPUT -p tcp -j web',
  '-A INPUT -s 192.0.2.1/32 -j DROP',
  '-A INPUT -s 192.0.2.0/26 -j ACCEPT',
  '-A INPUT -s 198.51.100.0/24 -j DROP',
  '-A INPUT -s 192.0.2.80/28 -j DROP',
  '-A INPUT -p udp --sport 53 -j ACCEPT',
  '-A web -s 10.0.0.0/8 -j RETURN',
  '-A web -p tcp --dport 22 -j ACCEPT',
  '-A web -p tcp --syn',
];

/** So many that two diagrams are looked into. */
const SEVERAL = crossingRules(40, 3);

/** Of which some only count, log or jump. */
const GOING_ON = goingOnRules(26, 3);

const places: readonly {
  readonly name: string;
  readonly rules: readonly string[];
  readonly options: JobOptions;
  readonly change?: typeof mutate;
}[] = [
  { name: 'xdp', rules: RULES, options: { hook: 'xdp', chain: 'INPUT' } },
  { name: 'tc', rules: RULES, options: { hook: 'tc', chain: 'INPUT' } },
  { name: 'netfilter, with memory and answers', rules: STATEFUL, options: { hook: 'netfilter', chain: 'INPUT' } },
  { name: 'diagrams at xdp', rules: LOOKED_UP, options: { hook: 'xdp', chain: 'INPUT', engine: 'dag' } },
  {
    name: 'words of diagrams at tc',
    rules: LOOKED_UP,
    options: { hook: 'tc', chain: 'INPUT', engine: 'dag' },
    change: mutateTable,
  },
  { name: 'lists and inlined chains', rules: FOLDED, options: { hook: 'xdp', chain: 'INPUT', engine: 'auto' } },
  {
    name: 'line info of lists and inlined chains',
    rules: FOLDED,
    options: { hook: 'xdp', chain: 'INPUT', engine: 'auto' },
    change: mutateWithLines,
  },
  { name: 'two diagrams at xdp', rules: SEVERAL, options: { hook: 'xdp', chain: 'INPUT', engine: 'dag' } },
  {
    name: 'words of two diagrams at xdp',
    rules: SEVERAL,
    options: { hook: 'xdp', chain: 'INPUT', engine: 'dag' },
    change: mutateTable,
  },
  ...[mutate, mutateTaking, mutateTable].map((change, i) => ({
    name: `rules that go on: ${['all code', 'taking hits', 'words of diagrams'][i]}`,
    rules: GOING_ON,
    options: { hook: 'xdp', chain: 'INPUT', engine: 'dag' } as const,
    change,
  })),
  { name: 'IPv6 at xdp', rules: RULES_V6, options: { hook: 'xdp', chain: 'INPUT', family: 'v6' } },
];

/** What a mutant does in the interpreter. */
function misbehaves(job: VerifyJob): boolean {
  const { ruleset, table, chain } = job;
  try {
    const packets = generatePackets(ruleset, { table, chain, count: PACKETS, seed: SEED });
    const states = declaredStates(packets.length, SEED);
    return (
      firstMismatch(
        job,
        packets.map((packet, i) => ({ packet, state: states[i] })),
      ) !== undefined
    );
  } catch (error) {
    if (error instanceof LoadError) return true;
    throw error;
  }
}

for (const { name, rules, options, change = mutate } of places) {
  it(`no mutant that misbehaves is proved (${name}, seed ${SEED})`, () => {
    const job = jobOf(filterDump(rules, 'DROP', ['web']), options);
    expect(prove(job).kind).toBe('proved');
    const spec = readObject(job.object);
    const random = new Random(SEED);
    const figures = { mutants: 0, refuted: 0, 'not proved': 0, equivalent: 0 };
    // Diagrams cost more to prove.
    const count = options.engine === 'dag' ? Math.ceil(COUNT / 2) : COUNT;
    for (let i = 0; i < count; i++) {
      const mutant = change(spec, random);
      const changed: VerifyJob = { ...job, object: writeObject(mutant.spec) };
      const { kind } = prove(changed);
      figures.mutants++;
      if (kind === 'proved') {
        expect(misbehaves(changed), mutant.what).toBe(false);
        figures.equivalent++;
      } else {
        figures[kind === 'differs' ? 'refuted' : 'not proved']++;
      }
    }
    if (process.env.IPT2BPF_MUTANTS !== undefined) console.log(name, figures);
  }, 3_600_000);
}
