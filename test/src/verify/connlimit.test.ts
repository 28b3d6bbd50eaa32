import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import { converse } from '../../../src/verify/conversation.js';
import { generatePackets } from '../../../src/verify/generate.js';
import {
  IptablesSequences,
  NetfilterMachine,
  type SequenceMachine,
  type SequencePacket,
} from '../../../src/verify/netfilter-machine.js';
import { Random } from '../../../src/verify/random.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));

/** Connections are counted for all addresses together, so that limits are met; what is asked depends on what was answered. */
const DUMP = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -m connlimit --connlimit-above 3 --connlimit-mask 1 --connlimit-saddr
-A INPUT -p tcp -m tcp --dport 22 -m connlimit --connlimit-above 2 --connlimit-mask 0 --connlimit-saddr -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -m tcp --dport 80 -j web
-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT
-A FORWARD -i eth0 -o eth1 -j web
-A web -p udp -m connlimit --connlimit-upto 4 --connlimit-mask 0 --connlimit-saddr -j RETURN
-A web -m connlimit --connlimit-upto 3 --connlimit-mask 0 --connlimit-daddr -j ACCEPT
-A web -m connlimit --connlimit-above 5 --connlimit-mask 0 --connlimit-saddr -j MARK --set-xmark 0x1/0x1
-A web -m mark --mark 0x1/0x1 -j DROP
COMMIT
`;
const SEED = 5;
/** Connections that are not confirmed yet are told from others by whether two jiffies have gone by (nf_conncount.c find_or_evict). */
const WAIT_MS = 10;

function play(machine: SequenceMachine, packets: readonly SequencePacket[]): unknown {
  try {
    const verdicts = machine.judgeSequence(packets).map((one) => (one.reached ? `${one.chain} ${one.verdict}` : ''));
    return { verdicts, counters: new Map([...machine.counters()].sort(([a], [b]) => (a < b ? -1 : 1))) };
  } finally {
    machine.close();
  }
}

describe.skipIf(!able)('numbers of connections at netfilter (skipped without root, nft or iptables)', () => {
  it.each(['v4', 'v6'] as const)('%s: every rule counts the packets that it counts in iptables', (family) => {
    const { ruleset } = parseDump(DUMP, { family });
    const generated = (['INPUT', 'FORWARD'] as const).flatMap((chain) =>
      generatePackets(ruleset, { table: 'filter', chain, count: 16, seed: SEED }),
    );
    const packets = converse(generated, new Random(SEED)).map((packet) => ({ ...packet, waitMs: WAIT_MS }));
    const compiled = compile(ruleset, { hook: 'netfilter' });
    if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join('; '));
    const want = play(new IptablesSequences({ family, ruleset: DUMP }), packets);
    expect(play(new NetfilterMachine(compiled, { family, ruleset: DUMP }), packets), `seed ${SEED}`).toEqual(want);
  });
});
