import { existsSync, readFileSync, writeFileSync } from 'node:fs';

function path(name: string): string {
  // Names come with slashes, because interface names hold dots: `net/ipv4/conf/eth0.5/rp_filter`.
  return `/proc/sys/${name}`;
}

/** Sets a sysctl of the calling thread's network namespace; `name` with slashes. Throws what the file system throws. */
export function setSysctl(name: string, value: number | string): void {
  writeFileSync(path(name), `${value}`);
}

/** As {@link setSysctl}; false where this kernel has no such sysctl in this namespace. */
export function setSysctlIfPresent(name: string, value: number | string): boolean {
  if (!existsSync(path(name))) return false;
  setSysctl(name, value);
  return true;
}

export function getSysctl(name: string): string {
  return readFileSync(path(name), 'latin1').trim();
}
