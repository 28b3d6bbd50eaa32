import { describe, expect, it } from 'vitest';
import { conntrackSwitchedOn, switchOnConntrack } from '../../../bpf-runtime/netfilter/conntrack.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { NetworkNamespace } from '../../../bpf-runtime/system/namespace.js';

const able = process.getuid?.() === 0 && hasCommand('nft') && hasCommand('iptables-legacy');

function withNamespace(body: (namespace: NetworkNamespace) => void): void {
  const namespace = NetworkNamespace.create();
  try {
    body(namespace);
  } finally {
    namespace.close();
  }
}

describe.skipIf(!able)('connection tracking of a namespace (skipped without root, nft or iptables-legacy)', () => {
  it.each(['v4', 'v6'] as const)('is off at first, and goes on and off with one rule: %s', (family) => {
    withNamespace((namespace) => {
      const other = family === 'v4' ? 'v6' : 'v4';
      expect(conntrackSwitchedOn(family, namespace)).toBe(false);
      const rule = switchOnConntrack(family, namespace);
      expect(conntrackSwitchedOn(family, namespace)).toBe(true);
      expect(conntrackSwitchedOn(other, namespace)).toBe(false);
      rule.undo();
      expect(conntrackSwitchedOn(family, namespace)).toBe(false);
    });
  });

  it('is on with a match in an iptables chain to which no packet comes, and is seen among other hooks', () => {
    withNamespace((namespace) => {
      namespace.run(() => {
        run('iptables-legacy', ['-t', 'raw', '-A', 'PREROUTING', '-j', 'ACCEPT']);
        run('iptables-legacy', ['-t', 'mangle', '-A', 'PREROUTING', '-j', 'ACCEPT']);
        expect(conntrackSwitchedOn('v4')).toBe(false);
        run('iptables-legacy', ['-N', 'unused']);
        run('iptables-legacy', ['-A', 'unused', '-m', 'conntrack', '--ctstate', 'NEW']);
        expect(conntrackSwitchedOn('v4')).toBe(true);
        run('iptables-legacy', ['-F', 'unused']);
        expect(conntrackSwitchedOn('v4')).toBe(false);
      });
    });
  });
});
