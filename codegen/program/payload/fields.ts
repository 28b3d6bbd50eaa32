import type { Field } from '../../../grammar/model/fields.js';
import type { PayloadTest } from '../../../grammar/model/payload.js';

/** Whether a test may read any byte of the packet, those of the IP header too. */
export function readsAnything({ kind }: PayloadTest): boolean {
  return kind === 'u32' || kind === 'string' || kind === 'classic-bpf';
}

/** Fields that the entry must read for a test. */
export function payloadFields(test: PayloadTest): readonly Field[] {
  return test.kind === 'eui64' ? ['mac.src', 'saddr'] : [];
}
