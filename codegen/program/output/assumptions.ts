import { visitCondition } from '../../../grammar/model/condition-parts.js';
import type { Analysis } from '../analysis.js';
import type { Common } from '../common.js';
import { lookupOf } from '../lookup.js';
import { isSocketHook } from '../place.js';
import { socketAssumptions } from '../socket-notes.js';
import { readsOwnState } from '../wire-state.js';

/** What an object takes for granted at its hook. */
export function hookAssumptions(analysis: Analysis, common: Common): readonly string[] {
  const clock = common.memory.assumptions();
  if (isSocketHook(analysis.hook)) return [...clock, ...momentNotes(analysis), ...socketAssumptions(analysis)];
  if (analysis.hook === 'netfilter') {
    const local = 'addresses are local by routing table local alone (-m addrtype asks no other)';
    return [
      ...clock,
      ...momentNotes(analysis),
      ...(common.layout.facts.has('route-type') ? [local] : []),
      placeAssumption(analysis),
      ...((analysis.left?.endings.size ?? 0) > 0 ? [QUEUE_ASSUMPTION] : []),
      ...askAssumptions(common),
    ];
  }
  const notes = ['the device is an Ethernet device, and its frames are addressed to it (no bridge port)'];
  const { family, chain } = analysis.view;
  if (family === 'v6' && (chain === 'INPUT' || chain === 'FORWARD')) {
    notes.push("packets to link-local addresses are for this host (INPUT); other hosts' are not forwarded");
  }
  if (chain === 'POSTROUTING') {
    // net/ipv4/ip_output.c ip_mc_output, net/ipv6/ip6_output.c ip6_finish_output2.
    notes.push(
      'copies of broadcasts and multicasts that come back to this host, which iptables judges, too, are not counted',
    );
  }
  notes.push(...lookupNotes(analysis));
  if (readsOwnState(analysis)) notes.push('connection tracking is switched on in the network namespace of the device');
  notes.push(...clock, ...momentNotes(analysis));
  if (analysis.fragments === 'judge' && analysis.reassembled) {
    notes.push(
      'fragments are judged one by one, where iptables judges the datagram: this may be stricter, never laxer',
    );
  } else if (analysis.fragments !== 'judge') {
    notes.push(`fragments are ${analysis.fragments === 'drop' ? 'dropped' : 'passed unjudged'}`);
  }
  if (analysis.vlan !== 'judge') {
    notes.push(
      `IP packets of other VLANs than 0 are ${analysis.vlan === 'drop' ? 'dropped' : 'passed'}: their device is not known`,
    );
  }
  return notes;
}

function lookupNotes(analysis: Analysis): readonly string[] {
  const lookup = lookupOf(analysis);
  if (lookup === undefined) return [];
  const tracked = 'connections are tracked in no zone, and are in the table before an answer to them can arrive';
  return lookup === 'entries'
    ? [tracked]
    : [tracked, 'no helper expects connections: of TCP and UDP nothing is RELATED'];
}

function askAssumptions({ asks: { questions } }: Common): readonly string[] {
  if (questions.length === 0) return [];
  const first =
    'the residual rules in table mangle stand in front of all others: a packet they were not asked about is dropped';
  const counts = 'elements of IP sets that stay with the kernel count no packets';
  return questions.some(({ words }) => words[1] === 'set') ? [first, counts] : [first];
}

const QUEUE_ASSUMPTION =
  'no program that listens to a queue answers NF_REPEAT: the packet would come to the residual rules alone';

/** What iptables keeps of the judged table. */
function placeAssumption({ table }: Analysis): string {
  const kept = table === 'filter' ? 'keeps no more of it than the residual rules' : 'keeps none of its rules';
  return `the programs stand in the place of table ${table}: iptables ${kept}`;
}

/** What tests on the moment, and on what lies in the packet, take for granted. */
function momentNotes({ asking, time }: Analysis): readonly string[] {
  const notes = new Set<string>();
  for (const { meaning } of asking) {
    visitCondition(meaning.condition, {
      opaque: (test) => {
        if (test.name === 'cpu') notes.add('the processor that a packet comes to first also runs its chain');
        if (test.name !== 'time') return;
        notes.add(`CLOCK_TAI is ${time.taiOffset} s before CLOCK_REALTIME`);
        if (test.test.kernelZone) notes.add(`the kernel's time zone is ${time.minutesWest} minutes west of UTC`);
      },
      payload: (test) => {
        if (test.kind === 'string' && test.algorithm === 'bm') {
          notes.add('packets lie in one piece of memory, or Boyer-Moore passes over what lies in two');
        }
      },
    });
  }
  return [...notes];
}
