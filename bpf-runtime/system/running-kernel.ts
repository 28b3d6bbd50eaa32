import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';

/** More is no configuration of a kernel. */
const MOST_BYTES = 16 << 20;

/** CONFIG_HZ of the running kernel, from its configuration; undefined where neither /proc nor /boot has that. */
export function runningHz(): number | undefined {
  const text = kernelConfiguration();
  const match = text === undefined ? null : /^CONFIG_HZ=(\d+)$/m.exec(text);
  return match === null ? undefined : Number(match[1]);
}

function kernelConfiguration(): string | undefined {
  const plain = `/boot/config-${release()}`;
  try {
    if (existsSync('/proc/config.gz')) {
      return gunzipSync(readFileSync('/proc/config.gz'), { maxOutputLength: MOST_BYTES }).toString('latin1');
    }
    return existsSync(plain) ? readFileSync(plain, 'latin1') : undefined;
  } catch {
    return undefined;
  }
}

/** Parameter `ip_list_tot` of module xt_recent, where that is loaded. */
export function runningRecentEntries(): number | undefined {
  const path = '/sys/module/xt_recent/parameters/ip_list_tot';
  const value = existsSync(path) ? Number(readFileSync(path, 'latin1')) : NaN;
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
