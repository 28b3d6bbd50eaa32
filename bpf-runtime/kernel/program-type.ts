/** Program types and attach types (include/uapi/linux/bpf.h), by the section names that libbpf knows (section_defs). */
import { LoadError } from './load-error.js';

/** What a program is for, in this project's words. */
export type ProgramType = 'xdp' | 'tc' | 'netfilter' | 'cgroup' | 'socket';

/** enum bpf_prog_type. */
export const PROGRAM_TYPE = {
  socket: 1,
  tc: 3,
  xdp: 6,
  cgroup: 8,
  netfilter: 32,
} as const satisfies Record<ProgramType, number>;

/** enum bpf_attach_type. */
export const ATTACH_TYPE = {
  'cgroup ingress': 0,
  'cgroup egress': 1,
  xdp: 37,
  netfilter: 45,
  'tcx ingress': 46,
  'tcx egress': 47,
} as const;

export interface SectionType {
  readonly type: ProgramType;
  /** `expected_attach_type` of BPF_PROG_LOAD. */
  readonly attach: number;
}

const SECTIONS: Readonly<Record<string, SectionType>> = {
  xdp: { type: 'xdp', attach: ATTACH_TYPE.xdp },
  tc: { type: 'tc', attach: 0 },
  classifier: { type: 'tc', attach: 0 },
  'tcx/ingress': { type: 'tc', attach: ATTACH_TYPE['tcx ingress'] },
  'tcx/egress': { type: 'tc', attach: ATTACH_TYPE['tcx egress'] },
  netfilter: { type: 'netfilter', attach: ATTACH_TYPE.netfilter },
  'cgroup_skb/ingress': { type: 'cgroup', attach: ATTACH_TYPE['cgroup ingress'] },
  'cgroup_skb/egress': { type: 'cgroup', attach: ATTACH_TYPE['cgroup egress'] },
  socket: { type: 'socket', attach: 0 },
};

/** What a section's name says of the programs in it. Throws {@link LoadError}. */
export function sectionType(section: string): SectionType {
  if (Object.hasOwn(SECTIONS, section)) return SECTIONS[section];
  throw new LoadError(`programs in a section named ${section} are not known here`);
}

/** The inverse of {@link PROGRAM_TYPE}; undefined for other types. */
export function programTypeOf(number: number): ProgramType | undefined {
  const types: readonly ProgramType[] = ['xdp', 'tc', 'netfilter', 'cgroup', 'socket'];
  return types.find((type) => PROGRAM_TYPE[type] === number);
}
