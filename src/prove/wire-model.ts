import { type BuiltinChain, isLeaving } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { Assignment } from './bdd.js';
import { setChecksum } from './example-bytes.js';
import { OnesComplement } from './checksum.js';
import type { Called, EntryModel, EntryWorld, Example, ShapedEntry, Symbols } from './entry-model.js';
import type { Known } from './flow.js';
import { Frame, FRAME_LENGTH, networkOffset, TOTAL_LENGTH, type Shape } from './frame.js';
import { ipv6Samples, ipv6Shapes } from './ipv6-shapes.js';
import type { Specification } from './specification.js';
import { arrivalsOf, framesOf } from './wire-arrival.js';
import { countedLength, readField, type WireReading } from './wire-reading.js';
import { CONTEXT, ROUTE, WireWorld } from './wire-world.js';
import { bitAt, constantBits } from './words.js';

const DEFAULT_IFINDEX = 1n;

/** XDP and tc: every frame that a device may bring or be given. */
export class WireModel implements EntryModel {
  readonly shapes: readonly Shape[];
  readonly samples: readonly [Shape, Shape];
  private readonly checksums: OnesComplement;

  constructor(
    private readonly symbols: Symbols,
    private readonly specification: Specification,
    private readonly hook: 'xdp' | 'tc',
  ) {
    const { variables } = symbols;
    this.checksums = new OnesComplement(variables);
    variables.interleaved([FRAME_LENGTH, TOTAL_LENGTH, CONTEXT.skbLength], 16);
    variables.interleaved([CONTEXT.ifindex, ROUTE.ifindex], 32);
    variables.word('link 12', 8);
    variables.word('link 13', 8);
    if (specification.ruleset.family === 'v6') {
      this.shapes = ipv6Shapes([0, 1, 2]);
      this.samples = ipv6Samples(0, 2);
      return;
    }
    this.samples = [
      { tags: 0, header: 20 },
      { tags: 2, header: 60 },
    ];
    const shapes: Shape[] = [];
    for (let tags = 0; tags <= 2; tags++) {
      for (let words = 5; words <= 15; words++) shapes.push({ tags, header: words * 4 });
      shapes.push({ tags, header: 0 });
    }
    this.shapes = shapes;
  }

  private frame(shape: Shape): Frame {
    const { variables } = this.symbols;
    const version = variables.word('version', 4);
    if (shape.extensions !== undefined)
      return new Frame(variables, shape, 4, [...variables.word('traffic class', 4), ...version]);
    // A header length below 20 bytes is a shape of its own: none of the program's addresses come of it.
    const words = shape.header === 0 ? variables.word('short header', 2) : constantBits(BigInt(shape.header / 4));
    const first = Array.from({ length: 8 }, (_, i) => (i < 4 ? bitAt(words, i) : version[i - 4]));
    return new Frame(variables, shape.header === 0 ? { ...shape, header: 20 } : shape, 2, first);
  }

  at(shape: Shape): ShapedEntry {
    const { symbols, specification, hook, checksums } = this;
    const { words, variables } = symbols;
    const frame = this.frame(shape);
    const { family } = specification.ruleset;
    const reading: WireReading = { words, variables, frame, hook, family, chain: specification.hookChain };
    checksums.base = networkOffset(frame.shape);
    const counted = countedLength(reading);
    return {
      frames: framesOf(reading),
      arrivals: arrivalsOf(reading, specification.manifest, checksums),
      counted,
      read: (field: Known, wanted?: number) => readField(reading, field, wanted),
      world: (call: Called): EntryWorld =>
        new WireWorld(words, {
          hook,
          family,
          variables,
          frame,
          checksums,
          length: counted,
          lengthAt: undefined,
          flow: { kind: 'flow', name: 'none' },
          entries: specification.manifest.counters.length,
          call,
        }),
    };
  }

  example(shape: Shape, values: Assignment, chain: BuiltinChain): Example {
    const { bdd, variables } = this.symbols;
    const frame = this.frame(shape);
    const number = (name: string): bigint => variables.value(name, values) ?? 0n;
    const length = Math.min(Number(number(FRAME_LENGTH)), 9000);
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) {
      frame.byte(at).forEach((bit, i) => (bytes[at] |= bdd.holds(bit, values) ? 1 << i : 0));
    }
    const network = networkOffset(frame.shape);
    if (number(this.checksums.nameOf(0, frame.shape.header)) === 1n) setChecksum(bytes, network, frame.shape.header);
    const name = number(CONTEXT.ifindex) === DEFAULT_IFINDEX ? 'lo' : nameOf(this.symbols, 'device', values);
    const device = name === '' ? 'eth0' : name;
    const packet: Packet = {
      frame: bytes,
      inInterface: isLeaving(chain) ? '' : device,
      outInterface: isLeaving(chain) ? device : chain === 'FORWARD' ? 'eth1' : '',
      mark: Number(number(CONTEXT.mark)),
    };
    return { packet };
  }
}

/** A device's name, as far as it can be one. */
export function nameOf({ variables }: Symbols, device: string, values: Assignment): string {
  let name = '';
  for (let i = 0; i < 15; i++) {
    const byte = Number(variables.value(`${device} name ${i}`, values) ?? 0n);
    if (byte === 0) break;
    name += byte > 32 && byte < 127 && byte !== 47 && byte !== 58 ? String.fromCharCode(byte) : 'x';
  }
  return name;
}
