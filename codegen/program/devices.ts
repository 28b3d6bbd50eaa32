import type { Field } from '../../grammar/model/fields.js';
import { jump64, load, R0, R1, R10, R7, store, toBigEndian } from '../bytecode/instruction.js';
import { deviceNameByIndex, INDEX_SCRATCH_BYTES, inputDeviceName } from './device-name.js';
import type { EntryContext } from './packet/entry.js';
import { isIngress } from './place.js';
import { outputIndexSlot } from './packet/route.js';

/** Reads the names of the input and output devices that rules test. Clobbers r0–r5, r7 and, in FORWARD, the scratch memory. */
export function emitDeviceNames(context: EntryContext): void {
  const { code, view, layout, flow, scratch } = context;
  const iif = layout.offsets.get('iif');
  const oif = layout.offsets.get('oif');
  const { hook } = view;
  if (iif !== undefined && isIngress(view)) {
    code.emit(...inputDeviceName({ hook, result: flow + iif }));
    emitAsNumber(context, 'iif');
  }
  if (oif === undefined) return;
  if (!isIngress(view)) {
    // At tc egress the packet's device is the one it leaves by.
    code.emit(...inputDeviceName({ hook, result: flow + oif }));
    emitAsNumber(context, 'oif');
  } else if (view.chain === 'FORWARD') {
    // The look-up needs its scratch memory apart from the index.
    const index = scratch + INDEX_SCRATCH_BYTES;
    code.emit(load(4, R7, R10, outputIndexSlot(context)), store(4, R10, index, R7));
    code.emit(...deviceNameByIndex({ hook, index, scratch, result: flow + oif, label: code.label('device') }));
    // A device that cannot be found has no name to judge by.
    code.emit(jump64('jeq', R0, 0, context.unknown));
    emitAsNumber(context, 'oif');
  }
}

/** The 16 bytes of a name as two words, first character most significant. */
function emitAsNumber(context: EntryContext, field: Field): void {
  const offset = context.layout.offsets.get(field);
  if (offset === undefined) return;
  for (const word of [0, 8]) {
    const at = context.flow + offset + word;
    context.code.emit(load(8, R1, R10, at), toBigEndian(R1, 64), store(8, R10, at, R1));
  }
}
