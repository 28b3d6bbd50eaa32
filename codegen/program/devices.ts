import type { DeviceGroupTest } from '../../grammar/model/device-group.js';
import type { Field } from '../../grammar/model/fields.js';
import { alu32, goto, jump32, jump64, load, R0, R1, R10, R7, store, toBigEndian } from '../bytecode/instruction.js';
import type { Code } from './code.js';
import { deviceNameByIndex, INDEX_SCRATCH_BYTES, inputDeviceGroup, inputDeviceName } from './device-name.js';
import type { EntryContext } from './packet/entry.js';
import { isIngress } from './place.js';
import { outputIndexSlot } from './packet/route.js';

/** Reads the names and groups of the input and output devices that rules test. Clobbers r0–r5, r7 and, in FORWARD, the scratch memory. */
export function emitDevices(context: EntryContext): void {
  const { code, view, layout, flow, scratch } = context;
  const iif = layout.offsets.get('iif');
  const oif = layout.offsets.get('oif');
  const { hook } = view;
  const groupAt = (fact: 'in-group' | 'out-group'): number | undefined => {
    const at = layout.facts.get(fact);
    return at === undefined ? undefined : flow + at;
  };
  const near = groupAt(isIngress(view) ? 'in-group' : 'out-group');
  if (near !== undefined) code.emit(...inputDeviceGroup({ hook, result: near }));
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
    const group = groupAt('out-group');
    const results = { result: flow + oif, ...(group === undefined ? {} : { group }) };
    code.emit(...deviceNameByIndex({ hook, index, scratch, ...results, label: code.label('device') }));
    // A device that cannot be found has no name to judge by.
    code.emit(jump64('jeq', R0, 0, context.unknown));
    emitAsNumber(context, 'oif');
  }
}

/** Tests the group of a device, which stands at `at` behind register `flow`. Clobbers r1. */
export function emitGroupTest(
  code: Code,
  flow: number,
  at: number,
  { value, mask }: DeviceGroupTest,
  ifTrue: string,
  ifFalse: string,
): void {
  code.emit(load(4, R1, flow, at), alu32('and', R1, mask | 0));
  code.emit(jump32('jeq', R1, (value & mask) | 0, ifTrue), goto(ifFalse));
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
