import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { RuntimeError } from './error.js';

/** Bits of /proc/PID/status CapEff (include/uapi/linux/capability.h). */
const CAPABILITY = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_BPF: 39 } as const;

/** Throws `no-permission` naming what the process lacks to load and attach programs. CAP_SYS_ADMIN stands for CAP_BPF. */
export function requireCapabilities(): void {
  const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  const bits = BigInt(`0x${match?.[1] ?? '0'}`);
  const has = (name: keyof typeof CAPABILITY): boolean => ((bits >> BigInt(CAPABILITY[name])) & 1n) === 1n;
  const missing = [
    ...(has('CAP_BPF') || has('CAP_SYS_ADMIN') ? [] : ['CAP_BPF']),
    ...(has('CAP_NET_ADMIN') ? [] : ['CAP_NET_ADMIN']),
  ];
  if (missing.length === 0) return;
  throw new RuntimeError('no-permission', `this needs ${missing.join(' and ')}, which root has: run it with sudo`);
}

/** Throws `old-kernel` where the running kernel is older than `wanted` (`6.4`). */
export function requireKernel(wanted: string, running = release()): void {
  const rank = (version: string): number => {
    const [major, minor] = version.split('.').map((part) => Number.parseInt(part, 10));
    return major * 1000 + minor;
  };
  if (rank(running) >= rank(wanted)) return;
  throw new RuntimeError('old-kernel', `this needs Linux ${wanted} or newer, and Linux ${running} is running`);
}
