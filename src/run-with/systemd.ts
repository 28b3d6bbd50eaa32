/** Texts for systemd: what gives a unit's sockets the filters, and what loads them before the unit starts. */

import { quotedWord } from '../systemd/words.js';

/** Where the programs of a unit are pinned. Names in a BPF file system have no dots. */
export function pinsOf(unit: string): string {
  return `/sys/fs/bpf/ipt2bpf/${unit.replaceAll('.', '_')}`;
}

export function loaderOf(unit: string): string {
  return `ipt2bpf-${unit.replace(/\.[a-z]+$/, '')}.service`;
}

export interface PinnedProgram {
  /** Name in the directory of the pins. */
  readonly name: string;
  readonly direction: 'ingress' | 'egress';
}

/** `UNIT.d/ipt2bpf.conf` (systemd.resource-control(5)): the filters join those of the units above it. */
export function dropIn(unit: string, programs: readonly PinnedProgram[]): string {
  const settings = { ingress: 'IPIngressFilterPath', egress: 'IPEgressFilterPath' } as const;
  const lines = programs.map(({ name, direction }) => `${settings[direction]}=${pinsOf(unit)}/${name}`);
  const loader = loaderOf(unit);
  const section = unit.endsWith('.socket') ? '[Socket]' : unit.endsWith('.slice') ? '[Slice]' : '[Service]';
  return ['[Unit]', `Requires=${loader}`, `After=${loader}`, '', section, ...lines, ''].join('\n');
}

/** The unit that loads and pins the programs: pins do not outlive the machine. `command`: words that do it. */
export function loaderUnit(unit: string, command: readonly string[]): string {
  return [
    '[Unit]',
    `Description=Packet filter of ${unit}`,
    'DefaultDependencies=no',
    'After=local-fs.target',
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `ExecStart=${command.map(quotedWord).join(' ')}`,
    `ExecStop=/bin/rm -rf ${pinsOf(unit)}`,
    '',
  ].join('\n');
}
