import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { run } from '../../../bpf-runtime/system/command.js';
import { runningHz, runningRecentEntries } from '../../../bpf-runtime/system/running-kernel.js';

describe.skipIf(!existsSync('/proc/config.gz'))('the running kernel (skipped without /proc/config.gz)', () => {
  it('says its clock rate', () => {
    expect(String(runningHz())).toBe(run('bash', ['-c', 'zcat /proc/config.gz | sed -n "s/^CONFIG_HZ=//p"']).trim());
  });

  it('says how many addresses a list of recent has, or nothing', () => {
    const path = '/sys/module/xt_recent/parameters/ip_list_tot';
    expect(runningRecentEntries()).toBe(existsSync(path) ? Number(run('cat', [path])) : undefined);
  });
});
