const SLAB_SLOTS = 256;

/**
 * Values of one map in slots: with `cpus` values a slot in per-CPU maps, else one. Values start at multiples of 8
 * bytes, all zeros.
 */
export class ValueStore {
  private readonly stride: number;
  private readonly slabs: DataView[] = [];
  private readonly free: number[] = [];
  private used = 0;

  constructor(
    readonly valueSize: number,
    readonly cpus: number,
  ) {
    this.stride = Math.ceil(valueSize / 8) * 8;
  }

  /** A slot with zeros. */
  take(): number {
    const slot = this.free.pop();
    if (slot !== undefined) {
      this.zero(slot);
      return slot;
    }
    if (this.used % SLAB_SLOTS === 0) {
      this.slabs.push(new DataView(new ArrayBuffer(SLAB_SLOTS * this.cpus * this.stride)));
    }
    return this.used++;
  }

  release(slot: number): void {
    this.free.push(slot);
  }

  /** Memory that holds the slot; {@link offset} is where in it. */
  view(slot: number): DataView {
    return this.slabs[Math.floor(slot / SLAB_SLOTS)];
  }

  offset(slot: number, cpu: number): number {
    return ((slot % SLAB_SLOTS) * this.cpus + (this.cpus > 1 ? cpu : 0)) * this.stride;
  }

  bytes(slot: number, cpu: number): Uint8Array {
    return new Uint8Array(this.view(slot).buffer, this.offset(slot, cpu), this.valueSize);
  }

  zero(slot: number): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) this.bytes(slot, cpu).fill(0);
  }

  clear(): void {
    this.slabs.length = 0;
    this.free.length = 0;
    this.used = 0;
  }
}
