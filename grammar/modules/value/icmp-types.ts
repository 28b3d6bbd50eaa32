import type { Parsed } from '../define.js';
import { scanNumber, UINT8 } from './number.js';
import { unknownName } from './suggest.js';
import { isPrefix } from './text.js';

/** A message type with a closed range of codes. */
export interface IcmpTest {
  readonly type: number;
  readonly codeLo: number;
  readonly codeHi: number;
}

/** Name, type, and one code; without a code all of them. */
export type IcmpName = readonly [name: string, type: number, code?: number];

/** IPv4 message names (iana.org/assignments/icmp-parameters, with the spellings of iptables). */
export const ICMP_NAMES: readonly IcmpName[] = [
  ['any', 255],
  ['echo-reply', 0],
  ['pong', 0],
  ['destination-unreachable', 3],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4],
  ['redirect', 5],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8],
  ['ping', 8],
  ['router-advertisement', 9],
  ['router-solicitation', 10],
  ['time-exceeded', 11],
  ['ttl-exceeded', 11],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['parameter-problem', 12],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13],
  ['timestamp-reply', 14],
  ['address-mask-request', 17],
  ['address-mask-reply', 18],
];

/** IPv6 message names (iana.org/assignments/icmpv6-parameters, with the spellings of ip6tables). */
export const ICMPV6_NAMES: readonly IcmpName[] = [
  ['destination-unreachable', 1],
  ['no-route', 1, 0],
  ['communication-prohibited', 1, 1],
  ['beyond-scope', 1, 2],
  ['address-unreachable', 1, 3],
  ['port-unreachable', 1, 4],
  ['failed-policy', 1, 5],
  ['reject-route', 1, 6],
  ['packet-too-big', 2],
  ['time-exceeded', 3],
  ['ttl-exceeded', 3],
  ['ttl-zero-during-transit', 3, 0],
  ['ttl-zero-during-reassembly', 3, 1],
  ['parameter-problem', 4],
  ['bad-header', 4, 0],
  ['unknown-header-type', 4, 1],
  ['unknown-option', 4, 2],
  ['echo-request', 128],
  ['ping', 128],
  ['echo-reply', 129],
  ['pong', 129],
  ['mld-listener-query', 130],
  ['mld-listener-report', 131],
  ['mld-listener-done', 132],
  ['mld-listener-reduction', 132],
  ['router-solicitation', 133],
  ['router-advertisement', 134],
  ['neighbour-solicitation', 135],
  ['neighbor-solicitation', 135],
  ['neighbour-advertisement', 136],
  ['neighbor-advertisement', 136],
  ['redirect', 137],
];

/** A name (any unambiguous beginning of one), `type` or `type/code[:code]` (iptables `libxt_icmp.h`). */
export function parseIcmpTest(word: string, names: readonly IcmpName[]): Parsed<IcmpTest> {
  const found = names.filter(([name]) => isPrefix(word, name));
  if (found.length > 1) {
    return { error: `"${word}" may be ${found[0][0]} or ${found[1][0]}` };
  }
  if (found.length === 1) {
    const [, type, code] = found[0];
    return { value: { type, codeLo: code ?? 0, codeHi: code ?? UINT8 } };
  }
  const parsed = parseNumericTest(word);
  const meant = names.map(([name]) => name);
  return 'error' in parsed && parsed.hint === undefined ? unknownName(word, meant, parsed.error) : parsed;
}

function parseNumericTest(word: string): Parsed<IcmpTest> {
  const type = scanRange(word);
  if (type === undefined) return { error: `"${word}" is not an ICMP type` };
  if (type.lo !== type.hi) return { error: `a range of types, "${word}", cannot be tested` };
  if (type.rest === '') return { value: { type: type.lo, codeLo: 0, codeHi: UINT8 } };
  const code = type.rest.startsWith('/') ? scanRange(type.rest.slice(1)) : undefined;
  if (code?.rest !== '') return { error: `"${word}" is not type/code` };
  return { value: { type: type.lo, codeLo: code.lo, codeHi: code.hi } };
}

/** `number[:number]` up to 255 at the front of `text`. */
function scanRange(text: string): { lo: number; hi: number; rest: string } | undefined {
  const lo = scanNumber(text, 0, UINT8);
  if (lo === undefined) return undefined;
  if (!lo.rest.startsWith(':')) return { lo: lo.value, hi: lo.value, rest: lo.rest };
  const hi = scanNumber(lo.rest.slice(1), 0, UINT8);
  return hi === undefined ? undefined : { lo: lo.value, hi: hi.value, rest: hi.rest };
}

export function isAllCodes({ codeLo, codeHi }: IcmpTest): boolean {
  return codeLo === 0 && codeHi === UINT8;
}

/** `type` or `type/code`; of a range of codes iptables prints the first alone. */
export function printIcmpTest(test: IcmpTest): string {
  return isAllCodes(test) ? String(test.type) : `${test.type}/${test.codeLo}`;
}
