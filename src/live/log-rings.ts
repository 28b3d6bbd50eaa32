import { existsSync } from 'node:fs';
import { getPinned } from '../../bpf-runtime/kernel/bpf.js';
import { KernelMap } from '../../bpf-runtime/kernel/map.js';
import { RingBuffer } from '../../bpf-runtime/kernel/ring-buffer.js';
import { withLock } from '../../bpf-runtime/system/lock.js';
import { EVENTS } from '../../codegen/program/log.js';
import { PATIENCE } from './attach.js';
import { deployments } from './deployment.js';
import { generationObject, hasGeneration } from './generation.js';
import type { Pins } from './pins.js';

/** Where the programs of one generation write what their LOG rules match. */
export interface LogRing {
  /** Of the deployment. */
  readonly name: string;
  /** JSON: the object's own. */
  readonly manifest: string;
  readonly ring: RingBuffer;
}

interface Held extends LogRing {
  readonly map: KernelMap;
  /** Nothing is pinned of it any more: it is read once more, then let go of. */
  gone: boolean;
}

const SIDES = [0, 1] as const;

/**
 * The ring buffers of what is attached, of all rulesets or of one, as rulesets come, are replaced and go. Of a generation
 * that is not in force (any more) too, for packets may be in it still.
 */
export class LogRings {
  /** By the kernel's numbers of the maps, which it does not give twice. */
  private readonly held = new Map<number, Held>();

  constructor(
    private readonly base: string,
    private readonly name?: string,
  ) {}

  /** Those that are there, and for a last time those that have gone since the last call. */
  refresh(): readonly LogRing[] {
    for (const [id, { gone }] of this.held) if (gone) this.letGo(id);
    const there = withLock(this.base, 'shared', PATIENCE, () => new Set(this.find()))?.value;
    for (const [id, one] of this.held) one.gone = there?.has(id) !== true;
    return [...this.held.values()];
  }

  close(): void {
    for (const id of [...this.held.keys()]) this.letGo(id);
  }

  /** Opens those that are new. Returns the numbers of all. */
  private find(): readonly number[] {
    return deployments(this.base)
      .filter(({ record }) => this.name === undefined || record.name === this.name)
      .flatMap(({ pins, record }) =>
        SIDES.filter((side) => hasGeneration(pins, side)).flatMap((side) => this.open(pins, side, record.name)),
      );
  }

  private open(pins: Pins, side: (typeof SIDES)[number], name: string): readonly number[] {
    const path = pins.generation(side, 'maps', EVENTS);
    if (!existsSync(path)) return [];
    const map = new KernelMap(getPinned(path));
    const { id } = map.info;
    if (this.held.has(id)) map.close();
    else {
      const { manifest } = generationObject(pins, side).spec;
      this.held.set(id, { name, manifest, map, ring: new RingBuffer(map), gone: false });
    }
    return [id];
  }

  private letGo(id: number): void {
    const one = this.held.get(id);
    one?.ring.close();
    one?.map.close();
    this.held.delete(id);
  }
}
