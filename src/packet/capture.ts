/** One packet of a capture file, as an Ethernet frame. */
export interface CapturedPacket {
  /** Ethernet frame; for link types without one the header is made up. */
  readonly frame: Uint8Array;
  /** Nanoseconds since 1970; undefined where the file has none. */
  readonly timestamp?: bigint;
  /** Fewer bytes were kept than the packet had: its end is missing, and its lengths look wrong. */
  readonly truncated: boolean;
  /** Name of the interface, where the file says it. */
  readonly interfaceName?: string;
  /** The host sent it, where the file says so. */
  readonly outgoing?: boolean;
}

/** A record that is no packet of a link type that can be read, or is cut off. `index` counts the records from 0. */
export interface SkippedRecord {
  readonly index: number;
  readonly reason: string;
}

/** What a capture file holds: packets, and records that are none. */
export interface Capture {
  readonly packets: readonly CapturedPacket[];
  readonly skipped: readonly SkippedRecord[];
}

/** Why a capture file cannot be read. */
export type CaptureFault = 'not-a-capture' | 'unknown-version' | 'bad-block';

/** A capture file that cannot be read. `offset` is where, in bytes. */
export class CaptureError extends Error {
  constructor(
    readonly code: CaptureFault,
    message: string,
    readonly offset: number,
  ) {
    super(message);
    this.name = 'CaptureError';
  }
}
