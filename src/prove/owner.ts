import type { Ref } from './bdd.js';
import { not } from './bdd.js';
import { kernelRegion } from './kernel-region.js';
import { pointer, word, type Value } from './value.js';
import type { Variables } from './variables.js';
import { constantBits, type Bits, type Words } from './words.js';

/** include/net/tcp_states.h. */
const TCP_TIME_WAIT = 6n;
const TCP_NEW_SYN_RECV = 12n;

/** The packet's socket, and the listener that a request stands for. */
const SOCKETS = ['socket', 'listener'] as const;
type Socket = (typeof SOCKETS)[number];
const ADDRESS_BITS = 64;

/** The namespaces of hook and sockets are compared bit by bit. */
export function orderOwner(variables: Variables): void {
  variables.interleaved(['namespace', ...SOCKETS.map((one) => `namespace of ${one}`)], ADDRESS_BITS);
}

/** Inputs about one socket: it has a struct socket, that a file, that a user and a group. */
function inputs(variables: Variables, socket: Socket) {
  return {
    none: variables.word(`no ${socket}`, 1)[0],
    namespace: variables.word(`namespace of ${socket}`, ADDRESS_BITS),
    detached: variables.word(`${socket} is nobody's`, 1)[0],
    fileless: variables.word(`${socket} has no file`, 1)[0],
    user: variables.word(`user of ${socket}`, 32),
    group: variables.word(`group of ${socket}`, 32),
  };
}

const state = (variables: Variables): Bits => variables.word('state of socket', 8);

/** What owner_mt (net/netfilter/xt_owner.c) finds out of a packet, as skb_to_full_sk leads to the socket. */
export function ownerOf(words: Words, variables: Variables): Readonly<Record<'bits' | 'user' | 'group', Bits>> {
  const { bdd } = words;
  const isRequest = words.equal(state(variables), constantBits(TCP_NEW_SYN_RECV));
  const waits = words.equal(state(variables), constantBits(TCP_TIME_WAIT));
  const [own, listener] = SOCKETS.map((socket) => {
    const { none, namespace, detached, fileless, user, group } = inputs(variables, socket);
    const here = words.equal(namespace, variables.word('namespace', ADDRESS_BITS));
    const exists = bdd.without(bdd.without(here, none), detached);
    return { exists, file: bdd.without(exists, fileless), user, group };
  });
  const there = bdd.without(not(inputs(variables, 'socket').none), waits);
  const chosen = (of: (one: typeof own) => Ref): Ref => bdd.and(there, bdd.choose(isRequest, of(listener), of(own)));
  const file = chosen((one) => one.file);
  const ofFile = (of: (one: typeof own) => Bits): Bits =>
    words.where(file, words.choose(isRequest, of(listener), of(own)));
  return {
    bits: [chosen(({ exists }) => exists), file],
    user: ofFile(({ user }) => user),
    group: ofFile(({ group }) => group),
  };
}

/** Kernel memory about the owner of a socket; undefined for other paths. */
export function loadOwner(path: string, instance: string, size: number, variables: Variables): Value | undefined {
  if (path === 'nf_hook_state.net') return size === 8 ? word(variables.word('namespace', ADDRESS_BITS)) : undefined;
  if (path === 'sk_buff.sk')
    return size === 8 ? pointer(kernelRegion('sock', 'socket'), 0, inputs(variables, 'socket').none) : undefined;
  const socket = SOCKETS.find((one) => one === instance);
  if (socket === undefined) return undefined;
  const { namespace, detached, fileless, user, group } = inputs(variables, socket);
  switch (`${path} ${size}`) {
    case 'sock.__sk_common.skc_state 1':
      return socket === 'socket' ? word(state(variables)) : undefined;
    case 'sock.__sk_common.skc_listener 8':
      return socket === 'socket'
        ? pointer(kernelRegion('sock', 'listener'), 0, inputs(variables, 'listener').none)
        : undefined;
    case 'sock.__sk_common.skc_net.net 8':
      return word(namespace);
    case 'sock.sk_socket 8':
      return pointer(kernelRegion('socket', socket), 0, detached);
    case 'socket.file 8':
      return pointer(kernelRegion('file', socket), 0, fileless);
    case 'file.f_cred 8':
      return pointer(kernelRegion('cred', socket));
    case 'cred.fsuid.val 4':
      return word(user);
    case 'cred.fsgid.val 4':
      return word(group);
    default:
      return undefined;
  }
}
