import { ADDRESS_TYPES, CT_STATES, remembers, type CtState, type Opaque } from '../../grammar/model/condition.js';
import { deviceGroupWords } from '../../grammar/model/device-group.js';
import type { Family } from '../../grammar/model/family.js';
import { intervals, type IntervalSet } from '../../grammar/model/interval.js';
import { FALSE, not, TRUE, type Ref } from './bdd.js';
import type { Known } from './flow.js';
import { unsupported } from './unprovable.js';
import { bitAt, constantBits, type Bits, type Words } from './words.js';

/** What tests are answered from whose answers are not in the packet. */
export interface Inputs {
  readonly words: Words;
  readonly family: Family;
  /** Words of the questions that iptables is asked in front of the program, in the order of their bits. */
  readonly questions: readonly (readonly string[])[];
  known(name: Known): Bits;
}

/** include/uapi/linux/netfilter/xt_conntrack.h: XT_CONNTRACK_STATE_BIT(ctinfo), …_SNAT, …_DNAT, …_UNTRACKED. */
export const STATE_BITS: Readonly<Record<CtState, number>> = {
  INVALID: 0,
  ESTABLISHED: 1,
  RELATED: 2,
  NEW: 3,
  SNAT: 6,
  DNAT: 7,
  UNTRACKED: 8,
};

/** When a test without memory holds, over the inputs. */
export function answerOf(test: Opaque, inputs: Inputs): Ref {
  const { words, known } = inputs;
  const question = questionOf(test, inputs);
  if (question >= 0) return bitAt(known('answers'), question);
  switch (test.name) {
    case 'ctstate':
      return words.bdd.anyOf(
        CT_STATES.filter((state) => test.states.includes(state)).map((state) =>
          bitAt(known('connection state'), STATE_BITS[state]),
        ),
      );
    case 'addrtype':
      return addressType(test, inputs);
    case 'owner':
      return owner(test, inputs);
    case 'module':
      throw unsupported(`test ${test.module}`);
    case 'conntrack':
    case 'limit':
    case 'recent':
    case 'hashlimit':
    case 'quota':
    case 'nth':
    case 'connlimit':
    case 'time':
    case 'cpu':
    case 'devgroup':
    case 'random':
    case 'bridge-port':
    case 'set':
    case 'counted-set':
      throw unsupported(`test ${test.name}`);
  }
}

/** What the answer of a test is read from. */
export function factsOf(test: Opaque, { questions, family }: Pick<Inputs, 'questions' | 'family'>): readonly Known[] {
  if (questionOf(test, { questions }) >= 0) return ['answers'];
  if (test.name === 'ctstate') return ['connection state'];
  if (test.name === 'owner') return ['socket', 'socket user', 'socket group'];
  if (test.name !== 'addrtype') return [];
  const isRoute = asksRoutes(test) && family === 'v4' && test.which === 'dst';
  return [isRoute ? 'route type' : test.which === 'src' ? 'saddr' : 'daddr'];
}

/** Tests with memory whose answers the prover takes from the program. */
export function isMemory(test: Opaque): boolean {
  const { name } = test;
  return remembers(test) && name !== 'quota' && name !== 'nth' && name !== 'connlimit' && name !== 'counted-set';
}

/** Which question of the manifest is this test; −1 if none. The words are those of the rule. */
function questionOf(test: Opaque, { questions }: Pick<Inputs, 'questions'>): number {
  if (test.name === 'devgroup') {
    const asked = ['-m', test.name, ...deviceGroupWords(test)].join(' ');
    return questions.findIndex((words) => words.join(' ') === asked);
  }
  if (test.name !== 'module' && test.name !== 'conntrack' && test.name !== 'bridge-port') return -1;
  const text = test.words.join(' ');
  const names = { conntrack: '-m conntrack', 'bridge-port': '-m physdev' };
  const name = test.name === 'module' ? `-m ${test.module}` : names[test.name];
  return questions.findIndex((words) => words.join(' ') === `${name} ${text}`);
}

type AddressTypeTest = Extract<Opaque, { name: 'addrtype' }>;
const DECIDED_BY_ROUTES = ['UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST'] as const;
const MULTICAST = intervals([0xe0000000n, 0xefffffffn]);

/** Whether some but not all types are asked for that the routes alone tell apart. */
function asksRoutes({ types }: AddressTypeTest): boolean {
  const asked = DECIDED_BY_ROUTES.filter((type) => types.includes(type));
  return asked.length !== 0 && asked.length !== DECIDED_BY_ROUTES.length;
}

/**
 * match_type (net/netfilter/xt_addrtype.c). What the address alone decides (net/ipv4/fib_frontend.c
 * __inet_dev_addr_type) is read off it; else the type is that of the packet's route, an input.
 */
function addressType(test: AddressTypeTest, { family, words, known }: Inputs): Ref {
  if (family !== 'v4' || test.limitInterface !== undefined) throw unsupported('test addrtype that asks the routes');
  const address = known(test.which === 'src' ? 'saddr' : 'daddr');
  if (asksRoutes(test)) {
    if (test.which === 'src') throw unsupported('test addrtype that asks the routes');
    const type = known('route type');
    return words.bdd.anyOf(
      test.types.map((one) => words.equal(type, constantBits(BigInt(ADDRESS_TYPES.indexOf(one))))),
    );
  }
  const multicast = inSet(words, address, MULTICAST);
  const rest = DECIDED_BY_ROUTES.every((type) => test.types.includes(type)) ? not(multicast) : FALSE;
  return words.bdd.or(rest, test.types.includes('MULTICAST') ? multicast : FALSE);
}

function inSet(words: Words, bits: Bits, set: IntervalSet): Ref {
  return words.bdd.anyOf(set.map(({ lo, hi }) => words.within(bits, lo, hi)));
}

/** owner_mt (net/netfilter/xt_owner.c). */
function owner(test: Extract<Opaque, { name: 'owner' }>, { words, known }: Inputs): Ref {
  const { bdd } = words;
  // No packet has a file without a socket: what the program takes such a number for does not matter.
  const [socket, file] = [bdd.anyOf(known('socket')), bdd.allOf([0, 1].map((bit) => bitAt(known('socket'), bit)))];
  const ids = [
    { part: test.user, bits: known('socket user') },
    { part: test.group, bits: known('socket group') },
  ];
  let holds: Ref = TRUE;
  // Without a socket or a file there is no owner: only what is inverted holds.
  if (test.socket !== undefined) holds = test.socket.inverted ? not(socket) : socket;
  for (const { part, bits } of ids) {
    if (part === undefined) continue;
    const inside = bdd.and(file, words.within(bits, BigInt(part.lo), BigInt(part.hi)));
    holds = bdd.and(holds, part.inverted ? not(inside) : inside);
  }
  return holds;
}
