/** Option types of the IPv4 header (include/uapi/linux/ip.h). */
const IPOPT = { END: 0, NOOP: 1, RR: 7, TIMESTAMP: 68, LSRR: 131, CIPSO: 134, SSRR: 137, RA: 148 } as const;
const TS_TSANDADDR = 1;
const TS_PRESPEC = 3;

/** What ip_rcv_options makes of the options. */
export type OptionsReading =
  | { readonly kind: 'fine'; readonly sourceRoute?: SourceRoute }
  | { readonly kind: 'bad'; readonly why: string }
  /** An option that the host's security labels decide. */
  | { readonly kind: 'label' };

export interface SourceRoute {
  readonly strict: boolean;
  /** There is a next address on it. */
  readonly pending: boolean;
}

/** __ip_options_compile (net/ipv4/ip_options.c) for a received packet. `options`: the header behind its first 20 bytes. */
export function readIpOptions(options: Uint8Array): OptionsReading {
  let sourceRoute: SourceRoute | undefined;
  const seen = new Set<number>();
  for (let at = 0; at < options.length;) {
    const type = options[at];
    if (type === IPOPT.END) break;
    if (type === IPOPT.NOOP) {
      at++;
      continue;
    }
    const room = options.length - at;
    const length = room < 2 ? 0 : options[at + 1];
    if (length < 2 || length > room) return bad(`option ${type} has a length of ${length} in ${room} bytes`);
    const option = options.subarray(at, at + length);
    const fault = optionFault(type, option, seen);
    if (fault !== undefined) return bad(fault);
    if (type === IPOPT.CIPSO) return { kind: 'label' };
    if (type === IPOPT.SSRR || type === IPOPT.LSRR) {
      sourceRoute = { strict: type === IPOPT.SSRR, pending: option[2] <= length };
    }
    at += length;
  }
  return sourceRoute === undefined ? { kind: 'fine' } : { kind: 'fine', sourceRoute };
}

function bad(why: string): OptionsReading {
  return { kind: 'bad', why };
}

/** What is wrong with one option; notes those that may come once. */
function optionFault(type: number, option: Uint8Array, seen: Set<number>): string | undefined {
  switch (type) {
    case IPOPT.SSRR:
    case IPOPT.LSRR:
      if (option.length < 3 || option[2] < 4) return 'a source route without room for its pointer';
      return once(IPOPT.LSRR, 'source route', seen);
    case IPOPT.RR:
      // The kernel looks for a second one first; either way the packet is dropped.
      if (option.length < 3 || option[2] < 4) return 'a record route without room for its pointer';
      if (option[2] <= option.length && option[2] + 3 > option.length) return 'a record route with a cut address';
      return once(type, 'record route', seen);
    case IPOPT.TIMESTAMP:
      return timestampFault(option) ?? once(type, 'timestamp', seen);
    case IPOPT.RA:
      return option.length < 4 ? 'a router alert that is too short' : undefined;
    default:
      return undefined;
  }
}

function timestampFault(option: Uint8Array): string | undefined {
  if (option.length < 4 || option[2] < 5) return 'a timestamp without room for its pointer';
  const form = option[3] & 0x0f;
  if (option[2] > option.length) {
    return form !== TS_PRESPEC && option[3] >> 4 === 15 ? 'a timestamp whose overflow count is full' : undefined;
  }
  const needed = form === TS_TSANDADDR || form === TS_PRESPEC ? 7 : 3;
  return option[2] + needed > option.length ? 'a timestamp with a cut entry' : undefined;
}

function once(type: number, name: string, seen: Set<number>): string | undefined {
  if (seen.has(type)) return `a second ${name}`;
  seen.add(type);
  return undefined;
}
