import type { Field } from '../../../grammar/model/fields.js';
import type { PayloadTest } from '../../../grammar/model/payload.js';

/** Fields that the entry must read for a test. */
export function payloadFields(test: PayloadTest): readonly Field[] {
  return test.kind === 'eui64' ? ['mac.src', 'saddr'] : [];
}
