import { callHelper, loadMap, mov64, R1, R2, R3, R4, reg, storeImm } from '../bytecode/instruction.js';
import type { Field } from '../../grammar/model/fields.js';
import type { MapSpec } from '../object/spec.js';
import type { Code } from './code.js';
import { FLOW_RULE, type FlowLayout } from './flow.js';

export const EVENTS = 'events';
const RING_BYTES = 256 * 1024;

/** Ring buffer of struct flow, one record for each packet that a LOG rule matches; the manifest has its layout. */
export const eventsMap: MapSpec = { name: EVENTS, type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: RING_BYTES };

/** What a log line shows of a packet, read for it even where no rule tests it. */
export const LOGGED_FIELDS: readonly Field[] = ['saddr', 'daddr', 'proto', 'sport', 'dport', 'ttl', 'tos', 'fragoff'];

/** Writes the event of rule `rule`. Where the ring is full the event is lost, as a log line is. Clobbers r0–r5. */
export function emitLog(code: Code, rule: number, flow: number, layout: FlowLayout): void {
  code.emit(storeImm(4, flow, FLOW_RULE, rule), loadMap(R1, EVENTS), mov64(R2, reg(flow)), mov64(R3, layout.bytes));
  code.emit(mov64(R4, 0), callHelper('ringbuf_output'));
}
