import { bitsOf, type Memory } from '../state.js';
import { unsupported } from '../unprovable.js';
import type { Region } from '../value.js';
import type { Words } from '../words.js';
import { PLACE } from './keeping.js';
import type { Machine } from './machine.js';
import { constantOf, type Concrete, type WalkValue } from './walk-value.js';

/** Names of places: an instruction with all that the machine holds there. */
export class PlaceNames {
  private readonly regions = new Map<Region, string>();
  private readonly named = new Map<WalkValue, string>();
  private readonly contents = new Map<string, number>();

  constructor(
    private readonly words: Words,
    private readonly flow: Region,
    /** The flow as the entry leaves it, which needs no name. */
    private readonly begun: Memory,
    private readonly stackOf: (frames: Machine['frames'], depth: number) => Region,
  ) {}

  /** Machines that hold the same have the same name. */
  of({ at, registers, memory, frames }: Machine): string {
    const parts = [String(at), ...registers.map((value) => this.nameOf(value))];
    frames.forEach(({ back, kept }, depth) => {
      parts.push(`${back}`, ...kept.map((value) => this.nameOf(value)));
      parts.push(this.memoryOf(memory, this.stackOf(frames, depth)));
    });
    const kept = this.memoryOf(memory, PLACE);
    if (kept !== '') parts.push(kept);
    const { flow } = this;
    if (!memory.sameAs(flow, this.begun)) {
      const name = this.memoryOf(memory, flow);
      if (name !== this.memoryOf(this.begun, flow)) parts.push(name);
    }
    return parts.join('|');
  }

  private memoryOf(memory: Memory, region: Region): string {
    return memory.describe(region, (describe) => this.shortened(describe((value) => this.nameOf(value))));
  }

  /** Of numbers themselves, else numbers of what has been named before: the same contents, the same name. */
  private nameOf(value: WalkValue | undefined): string {
    if (value === undefined) return '';
    if (value.kind === 'number') return String(value.value);
    let name = this.named.get(value);
    if (name === undefined) this.named.set(value, (name = this.shortened(this.contentOf(value))));
    return name;
  }

  private shortened(content: string): string {
    let number = this.contents.get(content);
    if (number === undefined) this.contents.set(content, (number = this.contents.size));
    return `#${number}`;
  }

  private contentOf(value: Exclude<WalkValue, Concrete>): string {
    switch (value.kind) {
      case 'large':
        return `n${value.value}`;
      case 'word': {
        const number = constantOf(value);
        return number === undefined ? `b${value.bits.join(',')}` : `n${number}`;
      }
      case 'pointer':
        return `p${this.regionName(value.region)}+${value.offset},${value.index?.join(',') ?? ''},${value.absent}`;
      case 'pieces':
        return `f${value.name}:${value.pieces.map(({ high, slope, plus }) => `${high},${slope},${plus}`).join(';')}`;
      case 'joined':
        return `j${value.parts.map((part) => this.nameOf(part)).join('&')}`;
      case 'place':
        return `l${this.nameOf(value.base)}@${this.nameOf(value.by)}`;
      case 'unknown':
        return `?${value.why}`;
      case 'counter':
        throw unsupported('a counter that is kept');
      case 'arithmetic':
        return `b${bitsOf(value, this.words)?.join(',') ?? ''}`;
    }
  }

  private regionName(region: Region): string {
    let name = this.regions.get(region);
    if (name === undefined) {
      const known = region.kind === 'stack' || region.kind === 'flow' || region.kind === 'context';
      name = known
        ? `${region.kind} ${region.name} ${this.regions.size}`
        : `${region.kind} ${region.name} ${region.key}`;
      this.regions.set(region, name);
    }
    return name;
  }
}
