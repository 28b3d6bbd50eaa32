import type { Field } from '../../../grammar/model/fields.js';
import type { FlowWriter } from '../packet/entry.js';
import type { View } from '../place.js';

/** What the reading of a packet behind the IP stack needs. */
export interface NetfilterContext extends FlowWriter {
  readonly view: View;
  readonly used: ReadonlySet<Field>;
  /** Whether some test may read any byte of the packet. */
  readonly readsBytes: boolean;
  /** The program runs in front of one at netfilter: the packet is on its way to the device of its route. */
  readonly routed?: boolean;
  /** Offset of {@link NETFILTER_SCRATCH_BYTES} bytes from r10. */
  readonly scratch: number;
  /** Where a packet goes that this chain does not judge. */
  readonly pass: string;
  /** Where a packet goes of which something cannot be known. */
  readonly drop: string;
}
