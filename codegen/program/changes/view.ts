/** Whether a view can change packets as a target does, where others would see it. */
import { singleChanges, type PacketChange } from '../../../grammar/model/change.js';
import { visitCondition } from '../../../grammar/model/condition-parts.js';
import type { TableName } from '../../../grammar/model/family.js';
import type { Field } from '../../../grammar/model/fields.js';
import { findTable, type Effect, type Rule, type Ruleset } from '../../../grammar/model/ruleset.js';
import { changedFields, changesBytes, changesPriority } from './kinds.js';
import { isIngress, type Undecided, type View } from '../place.js';
import { BETWEEN, describe, findRule, tracksConnections, type Judged, type Place } from '../surroundings.js';

/** What a rule changes that others may ask for. */
interface Changed {
  readonly fields: ReadonlySet<Field>;
  readonly bytes: boolean;
  readonly priority: boolean;
}

type Changing = Extract<Effect, { kind: 'opaque' | 'mark' }>;

function changedBy(effect: Effect): Changed | undefined {
  if (effect.kind === 'mark') return { fields: new Set<Field>(['mark']), bytes: false, priority: false };
  if (effect.kind !== 'opaque' || effect.change === undefined) return undefined;
  const { change } = effect;
  return { fields: new Set(changedFields(change)), bytes: changesBytes(change), priority: changesPriority(change) };
}

/** The order in which tables come at a hook (include/uapi/linux/netfilter_ipv4.h nf_ip_hook_priorities). */
const ORDER: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security'];
/** Table nat maps sources behind table security (NF_IP_PRI_NAT_SRC). */
const POSTROUTING_ORDER: readonly TableName[] = ['raw', 'mangle', 'filter', 'security', 'nat'];

/**
 * Chains of the kernel that see packets on the other side of the change than with iptables: those between hook and
 * chain where packets arrive, those between chain and hook where they leave.
 */
function placesSeeing({ table, chain }: Judged, arriving: boolean): readonly Place[] {
  const order = chain === 'POSTROUTING' ? POSTROUTING_ORDER : ORDER;
  const own = order.indexOf(table);
  if (arriving) return BETWEEN[chain].filter(([name, at]) => at !== chain || order.indexOf(name) < own);
  const behind = order.slice(own + 1).map((name): Place => [name, chain]);
  return chain === 'POSTROUTING' ? behind : [...behind, ...BETWEEN[chain], ['security', 'POSTROUTING']];
}

/** Matches that ask the routes about a packet, which may choose by its mark. */
const ASK_ROUTES: ReadonlySet<string> = new Set(['rpfilter', 'socket']);
/** Targets that keep the mark, or show the packet to somebody. */
const KEEP_MARK: ReadonlySet<string> = new Set(['CONNMARK', 'HMARK']);
const SHOW: ReadonlySet<string> = new Set(['AUDIT', 'NFQUEUE', 'QUEUE', 'SET', 'TEE', 'TPROXY', 'TRACE', 'ULOG']);

/** Whether a rule asks for, shows or changes what is changed elsewhere. */
function meets({ head, matches, target }: Rule, { fields, bytes, priority }: Changed): boolean {
  const mark = fields.has('mark');
  let asks = false;
  for (const condition of [head, ...matches.map((match) => match.condition)]) {
    visitCondition(condition, {
      field: (field) => (asks ||= fields.has(field)),
      payload: () => (asks ||= bytes),
      opaque: (test) => {
        if (test.name === 'module') asks ||= (mark && ASK_ROUTES.has(test.module)) || test.module === 'bpf';
      },
    });
  }
  if (asks) return true;
  const { effect } = target;
  const seen = bytes || mark;
  if (effect.kind === 'log') return seen;
  // Its answer quotes the packet.
  if (effect.kind === 'reject') return bytes;
  const other = changedBy(effect);
  if (other !== undefined) {
    return (priority && other.priority) || [...other.fields].some((field) => fields.has(field));
  }
  return effect.kind === 'opaque' && ((mark && KEEP_MARK.has(effect.target)) || (seen && SHOW.has(effect.target)));
}

/** The rule of the kernel's that would see a packet on the other side of the change. */
function whoMeets(ruleset: Ruleset, judged: Judged, view: View, changed: Changed): string | undefined {
  for (const place of placesSeeing(judged, isIngress(view))) {
    const table = findTable(ruleset, place[0]);
    const rule = table && findRule(table, place[1], (one) => meets(one, changed), new Set());
    if (rule !== undefined) return describe({ place, rule });
  }
  return undefined;
}

/** TCP options that conntrack reads in the first packets of a connection: window scale, selective acknowledgements. */
const TRACKED_OPTIONS: ReadonlySet<number> = new Set([3, 4, 5]);

function stripsTracked(change: PacketChange): boolean {
  return singleChanges(change).some(
    (one) => one.kind === 'strip-options' && one.kinds.some((kind) => TRACKED_OPTIONS.has(kind)),
  );
}

const KEEP = 'keep iptables for this chain';

/** Why a program of this view cannot change the packet as the target does; none where it can. */
export function undecidedChange(
  ruleset: Ruleset,
  judged: Judged,
  view: View,
  target: string,
  effect: Changing,
): readonly Undecided[] {
  const { hook, chain } = view;
  const change = effect.kind === 'opaque' ? effect.change : undefined;
  if (effect.kind === 'opaque') {
    if (hook !== 'tc') {
      const reason = `a program at ${hook} does not write what target ${target} changes`;
      return [{ reason, advice: 'use --hook tc' }];
    }
    if (chain === 'INPUT' || chain === 'FORWARD') {
      const reason = `target ${target} of chain ${chain} changes packets elsewhere than at tc`;
      return [
        {
          reason,
          advice: `put the rule into ${chain === 'INPUT' ? 'PREROUTING' : 'PREROUTING or POSTROUTING'}, or ${KEEP}`,
        },
      ];
    }
  }
  const changed = changedBy(effect);
  const seen = changed === undefined ? undefined : whoMeets(ruleset, judged, view, changed);
  if (seen !== undefined) {
    const reason = `target ${target}: a rule that stays with the kernel asks for, shows or changes the same (${seen})`;
    return [{ reason, advice: KEEP }];
  }
  if (change !== undefined && isIngress(view) && tracksConnections(ruleset) && stripsTracked(change)) {
    return [{ reason: `target ${target}: connection tracking would not see the options any more`, advice: KEEP }];
  }
  return [];
}

/** Rules of table mangle that have iptables choose the route of a packet of OUTPUT again (ipt_mangle_out, ip6t_mangle_out). */
export function reroutes({ hook, table, chain }: Judged, { family }: View, effect: Effect): boolean {
  if (hook !== 'tc' || table !== 'mangle' || chain !== 'OUTPUT') return false;
  if (effect.kind === 'mark') return true;
  if (effect.kind !== 'opaque' || effect.change === undefined) return false;
  const fields = changedFields(effect.change);
  return fields.includes('tos') || (family === 'v6' && fields.includes('ttl'));
}

const OF_THE_HEADER: ReadonlySet<Field> = new Set([
  ...(['saddr', 'daddr', 'proto', 'l4found', 'tos', 'ttl', 'iif', 'oif', 'mark'] as const),
  ...(['pkttype', 'mac.src', 'mac.ether'] as const),
]);

/**
 * Whether the pieces of a datagram may be changed otherwise than the whole: where rules ask for more than the header that all pieces
 * have, or change more.
 */
export function tellsPiecesApart(rules: readonly Rule[], used: ReadonlySet<Field>, asksPayload: boolean): boolean {
  const changes = rules.some(
    ({ target: { effect } }) => effect.kind === 'opaque' && effect.change !== undefined && changesBytes(effect.change),
  );
  if (!changes) return false;
  return asksPayload || [...used].some((field) => !OF_THE_HEADER.has(field));
}
