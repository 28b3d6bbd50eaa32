import { readFileSync } from 'node:fs';
import type { Family } from '../../grammar/model/family.js';
import { assemble } from '../../codegen/bytecode/assemble.js';
import {
  alu64,
  callHelper,
  exit,
  goto,
  jump64,
  lddw,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R6,
  R7,
  R8,
  reg,
  storeImm,
  type Instruction,
} from '../../codegen/bytecode/instruction.js';
import type { ObjectSpec } from '../../codegen/object/spec.js';
import { KIND, runningKernelTypes, type KernelTypes } from '../kernel/kernel-types.js';
import { loadPrograms } from '../kernel/raw-load.js';
import { hasCommand, run } from '../system/command.js';
import { RuntimeError } from '../system/error.js';
import type { NetworkNamespace } from '../system/namespace.js';

/** What connection tracking registers at PRE_ROUTING (net/netfilter/nf_conntrack_proto.c). */
const TRACKER = { v4: 'ipv4_conntrack_in', v6: 'ipv6_conntrack_in' } as const satisfies Record<Family, string>;
const HOOKS = { v4: 'hooks_ipv4', v6: 'hooks_ipv6' } as const satisfies Record<Family, string>;
/** Hooks that are looked at; the kernel takes up to 1024 at one place. */
const MOST_HOOKS = 256;
/** sizeof(struct nf_hook_entry): the function and its argument. */
const ENTRY_BYTES = 16;
/** Offset of `skb` in struct bpf_nf_ctx. */
const CONTEXT_SKB = 8;
const NAME = 'ipt2bpf-conntrack';

function inNamespace<T>(namespace: NetworkNamespace | undefined, body: () => T): T {
  return namespace === undefined ? body() : namespace.run(body);
}

/**
 * Whether the kernel tracks connections in a network namespace (default: the calling thread's): with no rule that asks
 * for it, it does not, and every packet would be INVALID to a program. A netfilter program that is run once, attached
 * nowhere, looks through the namespace's hooks at PRE_ROUTING. Undefined where the kernel does not tell addresses
 * (/proc/kallsyms under kptr_restrict) or where nothing tracks connections (no nf_conntrack).
 */
export function conntrackSwitchedOn(family: Family, namespace?: NetworkNamespace): boolean | undefined {
  const tracker = symbolAddress(TRACKER[family]);
  if (tracker === undefined) return undefined;
  const loaded = loadPrograms(hookSearch(runningKernelTypes(), HOOKS[family], tracker));
  try {
    const [program] = loaded.programs.values();
    const context = { netfilter: { family, hook: 'PREROUTING' } } as const;
    return inNamespace(namespace, () => program.testRun({ data: frame(family), context }).result) === 1;
  } finally {
    loaded.close();
  }
}

/** A test run wants the EtherType of the family; nobody reads further. */
function frame(family: Family): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(family === 'v4' ? [0x08, 0x00] : [0x86, 0xdd], 12);
  return bytes;
}

/** Address of a function of the kernel; undefined where it has none of that name, or hides where it is. */
function symbolAddress(name: string): bigint | undefined {
  const lines = readFileSync('/proc/kallsyms', 'latin1');
  const match = new RegExp(`^([0-9a-f]+) [tT] ${name}(\\s|\\.llvm)`, 'm').exec(lines);
  const address = match === null ? 0n : BigInt(`0x${match[1]}`);
  return address === 0n ? undefined : address;
}

/** Returns 1 where `wanted` is among the functions of the first hook (PRE_ROUTING) of `hooks` in struct netns_nf. */
function hookSearch(types: KernelTypes, hooks: string, wanted: bigint): ObjectSpec {
  const device = offsetOf(types, 'sk_buff', 'dev');
  const net = offsetOf(types, 'net_device', 'nd_net');
  const list = offsetOf(types, 'net', 'nf') + offsetOf(types, 'netns_nf', hooks);
  const entries = offsetOf(types, 'nf_hook_entries', 'hooks');
  const read = (bytes: 2 | 8, offset: number, into: number): readonly Instruction[] => [
    storeImm(8, R10, -8, 0),
    mov64(R1, reg(R10)),
    alu64('add', R1, -8),
    mov64(R2, bytes),
    mov64(R3, reg(R6)),
    alu64('add', R3, offset),
    callHelper('probe_read_kernel'),
    load(bytes, into, R10, -8),
  ];
  const search = Array.from({ length: MOST_HOOKS }, (_, i): readonly Instruction[] => [
    jump64('jle', R7, i, 'absent'),
    ...read(8, entries + i * ENTRY_BYTES, R1),
    jump64('jeq', R1, reg(R8), 'present'),
  ]);
  const code = [
    // A test run's packet comes from the namespace's loopback device; its hook state names neither.
    load(8, R6, R1, CONTEXT_SKB),
    ...read(8, device, R6),
    ...read(8, net, R6),
    ...read(8, list, R6),
    // struct nf_hook_entries begins with their number.
    ...read(2, 0, R7),
    lddw(R8, wanted),
    ...search.flat(),
    goto('absent'),
    { ...mov64(R0, 1), label: 'present' },
    exit(),
    { ...mov64(R0, 0), label: 'absent' },
    exit(),
  ];
  return {
    license: 'GPL',
    program: {
      section: 'netfilter',
      entries: [
        {
          name: 'find_hook',
          linkage: 'global',
          params: [{ name: 'ctx', type: { kind: 'context', struct: 'bpf_nf_ctx' } }],
          instructions: assemble('find_hook', code),
        },
      ],
      functions: [],
    },
    maps: [],
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'none',
  };
}

function offsetOf(types: KernelTypes, struct: string, name: string): number {
  const [type] = types.find(KIND.struct, struct);
  const member = type === undefined ? undefined : types.member(type, name);
  if (member === undefined) throw new RuntimeError('malformed-types', `this kernel has no member ${struct}.${name}`);
  return member.bitOffset / 8;
}

/** What {@link switchOnConntrack} added. */
export interface ConntrackSwitch {
  /** Takes the rule away again: where no other rule asks for it, connections are no longer tracked. */
  undo(): void;
}

/**
 * Makes the kernel track connections in a network namespace (default: the calling thread's) by one rule that asks for
 * the state in a chain to which no packet comes: an nftables chain without a hook, or, where there is no `nft`, a
 * chain of table filter that nothing jumps to. Throws `command-failed`, or `command-missing` without both tools.
 */
export function switchOnConntrack(family: Family, namespace?: NetworkNamespace): ConntrackSwitch {
  const withNft = hasCommand('nft');
  if (!withNft && !hasCommand(iptables(family))) {
    throw new RuntimeError(
      'command-missing',
      `neither nft nor ${iptables(family)} is installed: the kernel finds connection states only where a rule of one of them asks for it`,
    );
  }
  inNamespace(namespace, () => {
    if (withNft) addWithNft(family);
    else addWithIptables(family);
  });
  return { undo: () => inNamespace(namespace, () => removeConntrackRule(family)) };
}

/** Takes away what {@link switchOnConntrack} added in the calling thread's network namespace, maybe by another process. */
export function removeConntrackRule(family: Family): void {
  if (hasCommand('nft')) {
    // Taken away as one change: a table that is not there is made first.
    run('nft', ['-f', '-'], `table ${nftFamily(family)} ${NAME}\ndelete table ${nftFamily(family)} ${NAME}\n`);
  } else {
    removeWithIptables(family);
  }
}

function nftFamily(family: Family): string {
  return family === 'v4' ? 'ip' : 'ip6';
}

function addWithNft(family: Family): void {
  const table = `table ${nftFamily(family)} ${NAME}`;
  // Once, however often it is asked for.
  run('nft', ['-f', '-'], `${table}\ndelete ${table}\n${table} {\n chain asks {\n ct state new\n }\n}\n`);
}

const iptables = (family: Family): string => (family === 'v4' ? 'iptables' : 'ip6tables');

function addWithIptables(family: Family): void {
  const lines = ['*filter', `:${NAME} - [0:0]`, `-A ${NAME} -m conntrack --ctstate NEW`, 'COMMIT', ''];
  run(`${iptables(family)}-restore`, ['-w', '60', '--noflush'], lines.join('\n'));
}

function removeWithIptables(family: Family): void {
  // Without either tool nobody has added it.
  if (!hasCommand(iptables(family))) return;
  if (!run(`${iptables(family)}-save`, ['-t', 'filter']).includes(`:${NAME} `)) return;
  run(iptables(family), ['-w', '60', '-F', NAME]);
  run(iptables(family), ['-w', '60', '-X', NAME]);
}
