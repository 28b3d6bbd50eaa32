/** Texts for systemd and udev: what puts the saved rulesets in force when the machine starts. */
import { isAbsolute } from 'node:path';
import type { Family } from '../../../grammar/model/family.js';
import { escapedName, quotedWord } from '../../systemd/words.js';
import type { OnFailure } from './store.js';

export const UNIT = 'ipt2bpf.service';
export const BLOCK_UNIT = 'ipt2bpf-block.service';
export const DEVICE_UNIT = 'ipt2bpf-devices.service';
export const UDEV_RULES = '85-ipt2bpf.rules';

/** Others that load rules of iptables or IP sets: what they flush must not be what stands behind our programs. */
const LOADERS = ['netfilter-persistent', 'iptables', 'ip6tables', 'nftables', 'ipset'].map((name) => `${name}.service`);

export interface BootPlan {
  readonly onFailure: OnFailure;
  /** Words that run this tool. */
  readonly command: readonly string[];
  /** IP versions of the rulesets. */
  readonly families: readonly Family[];
  /** Devices that the rulesets are at. */
  readonly devices: readonly string[];
  /** Those of them that the machine has by itself, without somebody who sets them up. */
  readonly hardware: readonly string[];
}

/** Names of files and their texts. */
export function bootUnits(plan: BootPlan): Readonly<Record<string, string>> {
  return {
    [UNIT]: loaderUnit(plan),
    ...(plan.onFailure === 'closed' ? { [BLOCK_UNIT]: blockUnit(plan) } : {}),
    ...(plan.devices.length > 0 ? { [DEVICE_UNIT]: deviceUnit(plan) } : {}),
  };
}

/**
 * Before the network, as netfilter-persistent.service has it. It waits for hardware that rulesets are at, as long as systemd
 * waits for any device, and goes on without.
 */
function loaderUnit({ onFailure, command, hardware }: BootPlan): string {
  const devices = hardware.map((name) => `sys-subsystem-net-devices-${escapedName(name)}.device`);
  return [
    '[Unit]',
    'Description=Packet filters compiled from iptables rules',
    'DefaultDependencies=no',
    `Wants=network-pre.target systemd-modules-load.service${devices.map((name) => ` ${name}`).join('')}`,
    'Before=network-pre.target shutdown.target',
    `After=local-fs.target systemd-modules-load.service systemd-sysctl.service ${[...LOADERS, ...devices].join(' ')}`,
    `RequiresMountsFor=/etc/ipt2bpf /sys/fs/bpf ${command.filter(isAbsolute).map(quotedWord).join(' ')}`,
    'Conflicts=shutdown.target',
    ...(onFailure === 'closed' ? [`OnFailure=${BLOCK_UNIT}`] : []),
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `ExecStart=${[...command, 'restore'].map(quotedWord).join(' ')}`,
    `ExecReload=${[...command, 'restore'].map(quotedWord).join(' ')}`,
    ...(onFailure === 'closed' ? [`ExecStartPost=-systemctl --no-block stop ${BLOCK_UNIT}`] : []),
    'UMask=0077',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** What keeps packets of an IP version out where nothing of ours runs. */
export const blockTool = (family: Family): string => (family === 'v4' ? 'iptables' : 'ip6tables');

const BLOCKED = '-m comment --comment ipt2bpf-block -j DROP';

/** Where not even {@link loaderUnit} could keep packets out: iptables does, which needs neither Node.js nor BPF. */
function blockUnit({ families }: BootPlan): string {
  const rules = [...new Set(families)].flatMap((family) =>
    ['PREROUTING', 'OUTPUT'].map((chain) => ({ tool: blockTool(family), chain })),
  );
  return [
    '[Unit]',
    `Description=No packet passes: ${UNIT} has failed`,
    'DefaultDependencies=no',
    'Before=network-pre.target shutdown.target',
    'Conflicts=shutdown.target',
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    ...rules.map(({ tool, chain }) => `ExecStart=${tool} -w 60 -t raw -I ${chain} 1 ${BLOCKED}`),
    ...rules.map(({ tool, chain }) => `ExecStop=-${tool} -w 60 -t raw -D ${chain} ${BLOCKED}`),
    '',
  ].join('\n');
}

/** Attaches to a device that has appeared. */
function deviceUnit({ command }: BootPlan): string {
  return [
    '[Unit]',
    'Description=Packet filters of devices that have appeared',
    'DefaultDependencies=no',
    `After=${UNIT}`,
    `Requisite=${UNIT}`,
    'Conflicts=shutdown.target',
    'Before=shutdown.target',
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${[...command, 'restore'].map(quotedWord).join(' ')}`,
    'UMask=0077',
    '',
  ].join('\n');
}

/** udev(7): whenever one of the devices appears, or gets its name. */
export function udevRules(devices: readonly string[]): string {
  const rules = devices.map(
    (name) =>
      `ACTION=="add|move", SUBSYSTEM=="net", KERNEL=="${udevPattern(name)}", RUN+="/bin/systemctl --no-block start ${DEVICE_UNIT}"`,
  );
  return [...rules, ''].join('\n');
}

/** A name in a pattern that matches it alone. A double quote cannot be said in one: any character stands for it. */
function udevPattern(name: string): string {
  return name.replace(/[*?[\]|\\"]/g, '?');
}
