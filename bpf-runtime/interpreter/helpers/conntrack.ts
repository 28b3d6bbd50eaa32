import { Fault } from '../fault.js';
import { bytesIn, bytesOut, requireContext, sizeIn, type Environment, type Helper } from './helper.js';

/** struct bpf_ct_opts: offsets, and the sizes that it has had. */
const OPTIONS = { error: 4, proto: 8 } as const;
const OPTIONS_BYTES = [12, 16];
const TUPLE_BYTES = [12, 36];
const ENOENT = 2;
/** Stands for an entry: nothing may be read there. */
const ENTRY = 1;

/** Kernel functions of conntrack (net/netfilter/nf_conntrack_bpf.c). */
export function conntrackFunctions(env: Environment): readonly (readonly [string, Helper])[] {
  return [
    ['bpf_xdp_ct_lookup', () => lookUp(env)],
    ['bpf_skb_ct_lookup', () => lookUp(env)],
    ['bpf_ct_release', () => release(env)],
  ];
}

function lookUp(env: Environment): void {
  const { machine } = env;
  requireContext(env);
  const tupleBytes = sizeIn(env, 3, false);
  const optionBytes = sizeIn(env, 5, false);
  if (!TUPLE_BYTES.includes(tupleBytes) || !OPTIONS_BYTES.includes(optionBytes)) {
    throw new Fault('bad-argument', `no tuple and options have ${tupleBytes} and ${optionBytes} bytes`);
  }
  const tuple = bytesIn(env, 2, tupleBytes);
  const protocol = bytesIn(env, 4, optionBytes)[OPTIONS.proto];
  const found = env.connected(tuple.slice(), protocol);
  const options = bytesOut(env, 4, optionBytes);
  const view = new DataView(options.buffer, options.byteOffset, options.byteLength);
  view.setInt32(OPTIONS.error, found ? 0 : -ENOENT, true);
  machine.lo[0] = found ? ENTRY : 0;
  machine.hi[0] = 0;
}

function release({ machine }: Environment): void {
  if (machine.lo[1] !== ENTRY || machine.hi[1] !== 0) throw new Fault('bad-argument', 'r1 is no entry of conntrack');
  machine.answer(0);
}
