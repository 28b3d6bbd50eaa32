import { concat, putU16, putU32 } from './bytes.js';
import { PROTOCOL } from './numbers.js';
import type { ExtensionSpec } from './spec.js';

interface BuiltExtensions {
  readonly bytes: Uint8Array;
  /** Next header of the fixed header. */
  readonly first: number;
}

/** The chain of extension headers (RFC 8200 section 4) in front of `protocol`. */
export function buildExtensions(specs: readonly ExtensionSpec[], protocol: number): BuiltExtensions {
  const parts = specs.map((spec, i) => {
    const following = i + 1 < specs.length ? headerNumber(specs[i + 1]) : protocol;
    return buildExtension(spec, spec.nextHeader ?? following);
  });
  return { bytes: concat(...parts), first: specs.length > 0 ? headerNumber(specs[0]) : protocol };
}

export function headerNumber(spec: ExtensionSpec): number {
  switch (spec.kind) {
    case 'hop-by-hop':
      return PROTOCOL.HOPOPTS;
    case 'destination':
      return PROTOCOL.DSTOPTS;
    case 'routing':
      return PROTOCOL.ROUTING;
    case 'fragment':
      return PROTOCOL.FRAGMENT;
    case 'authentication':
      return PROTOCOL.AUTH;
  }
}

function buildExtension(spec: ExtensionSpec, nextHeader: number): Uint8Array {
  switch (spec.kind) {
    case 'hop-by-hop':
    case 'destination': {
      const out = eights(2, padOptions(spec.options ?? new Uint8Array(0)));
      return filled(out, nextHeader, spec.length ?? out.length / 8 - 1);
    }
    case 'routing': {
      const out = eights(4, spec.data ?? new Uint8Array(0));
      out[2] = spec.type ?? 0;
      out[3] = spec.segmentsLeft ?? 0;
      return filled(out, nextHeader, spec.length ?? out.length / 8 - 1);
    }
    case 'fragment': {
      const out = new Uint8Array(8);
      putU16(out, 2, ((spec.offset ?? 0) & ~7) | (((spec.spare ?? 0) & 3) << 1) | (spec.more === true ? 1 : 0));
      putU32(out, 4, spec.id ?? 1);
      return filled(out, nextHeader, spec.length ?? 0);
    }
    case 'authentication': {
      const data = spec.data ?? new Uint8Array(0);
      const out = new Uint8Array(12 + ((data.length + 3) & ~3));
      putU16(out, 2, spec.reserved ?? 0);
      putU32(out, 4, spec.spi ?? 0);
      out.set(data, 12);
      return filled(out, nextHeader, spec.length ?? out.length / 4 - 2);
    }
  }
}

function filled(out: Uint8Array, nextHeader: number, length: number): Uint8Array {
  out[0] = nextHeader;
  out[1] = length;
  return out;
}

/** A header of a multiple of 8 bytes with `data` from `offset` on. */
function eights(offset: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array((offset + data.length + 7) & ~7);
  out.set(data, offset);
  return out;
}

/** Options with Pad1 or PadN behind them (RFC 8200 section 4.2). */
function padOptions(options: Uint8Array): Uint8Array {
  const missing = -(options.length + 2) & 7;
  if (missing === 0) return options;
  const padding = new Uint8Array(missing);
  if (missing > 1) {
    padding[0] = 1;
    padding[1] = missing - 2;
  }
  return concat(options, padding);
}
