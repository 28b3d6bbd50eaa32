import { describe, expect, it } from 'vitest';
import { loadObject } from '../../../../bpf-runtime/kernel/load.js';
import { hasCommand } from '../../../../bpf-runtime/system/command.js';
import { REJECT_TYPES } from '../../../../codegen/program/verdict.js';
import { rejectingObject } from './program.js';

const missing =
  process.getuid?.() !== 0 ? ' (skipped: needs root)' : hasCommand('bpftool') ? '' : ' (skipped: needs bpftool)';

function verified(object: Uint8Array): number {
  const program = loadObject(object);
  try {
    return program.info.verifiedInstructions;
  } finally {
    program.close();
  }
}

describe.skipIf(missing !== '')(`The verifier takes REJECT${missing}`, () => {
  for (const hook of ['xdp', 'tc'] as const) {
    for (const family of ['v4', 'v6'] as const) {
      for (const chain of ['INPUT', 'FORWARD', 'OUTPUT'] as const) {
        if (hook === 'xdp' && chain === 'OUTPUT') continue;
        const types = REJECT_TYPES.filter(
          (type) => type === 'tcp-reset' || type.startsWith('icmp6') === (family === 'v6'),
        );
        const icmp = types.filter((type) => type !== 'tcp-reset');
        for (const [name, set] of [
          ['every type', types],
          ['every ICMP type', icmp],
          ['one ICMP type and resets', ['tcp-reset', icmp[0]]],
          ['one ICMP type', [icmp[0]]],
          ['resets', ['tcp-reset']],
        ] as const) {
          it(`${hook} ${family} ${chain}: ${name}`, () => {
            const view = { hook, family, chain };
            const answers = verified(rejectingObject(view, set)) - verified(rejectingObject(view, set, 'drop'));
            // A small share of the 1,000,000 instructions that it is ready to look at.
            expect(answers).toBeLessThan(50_000);
          });
        }
      }
    }
  }
});
