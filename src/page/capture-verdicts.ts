import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { reaches, surroundingsOracle } from '../evaluate/index.js';
import { possibleEnds } from '../explain/index.js';
import { ETHERTYPE, printPacketText, readCapture, readLink } from '../packet/index.js';
import { toneOf } from './answer-view.js';
import type { CapturedVerdict, CapturePlace, CaptureReply } from './protocol.js';

/** So many packets of a capture are judged: the page shows them one by one. */
export const JUDGED = 2000;

/**
 * Judges each packet of a capture for itself, as `explain` does: what rules remember of earlier packets is not known.
 * `before`: rules to compare with. Throws CaptureError.
 */
export function judgeCapture(
  { bytes, place }: { readonly bytes: Uint8Array; readonly place: CapturePlace },
  ruleset: Ruleset,
  before: Ruleset | undefined,
): CaptureReply {
  const { packets, skipped } = readCapture(bytes);
  const judged = packets.slice(0, JUDGED).map(({ frame }) => judge(frame, place, ruleset, before));
  const ends = new Map<string, { count: number; changed: number }>();
  for (const { end, before: then } of judged) {
    const entry = ends.get(end) ?? { count: 0, changed: 0 };
    entry.count += 1;
    if (then !== undefined) entry.changed += 1;
    ends.set(end, entry);
  }
  const summary = [...ends].map(([end, counts]) => ({ end, ...counts })).sort((a, b) => b.count - a.count);
  return { kind: 'capture', packets: judged, total: packets.length, summary, skipped: skipped.length };
}

function judge(frame: Uint8Array, place: CapturePlace, ruleset: Ruleset, before: Ruleset | undefined): CapturedVerdict {
  const { inInterface, outInterface, state } = place;
  const packet: Packet = { frame, inInterface, outInterface, mark: 0 };
  const surroundings: Surroundings = state === undefined ? {} : { ctstate: [state] };
  const end = endOf(packet, surroundings, place, ruleset);
  const then = before === undefined ? end : endOf(packet, surroundings, place, before);
  const possible = end.possible ?? ['', ''];
  return {
    packet: printPacketText(packet, surroundings),
    end: end.text,
    tone: toneOf(possible),
    ...(then.text === end.text ? {} : { before: then.text }),
  };
}

interface End {
  readonly text: string;
  readonly possible?: readonly string[];
}

const ETHERTYPES: Readonly<Record<Ruleset['family'], number>> = { v4: ETHERTYPE.IPV4, v6: ETHERTYPE.IPV6 };

function endOf(packet: Packet, surroundings: Surroundings, { chain }: CapturePlace, ruleset: Ruleset): End {
  const { family } = ruleset;
  if (readLink(packet.frame)?.etherType !== ETHERTYPES[family]) return { text: 'another protocol' };
  const reach = reaches(packet, { family, hook: chain, route: chain === 'FORWARD' ? 'forward' : 'local' });
  if (reach.kind === 'never') return { text: `never reaches ${chain}` };
  const table = chain === 'PREROUTING' ? 'raw' : 'filter';
  const oracle = surroundingsOracle(surroundings, packet, family);
  const possible = possibleEnds({ ruleset, table, chain, packet, oracle });
  return { text: possible.join(' or '), possible };
}
