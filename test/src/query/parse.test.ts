import { describe, expect, it } from 'vitest';
import type { Family } from '../../../grammar/model/family.js';
import { parsePacketText } from '../../../src/packet/index.js';
import { parseQuery } from '../../../src/query/parse.js';
import { locate } from '../../../src/space/locate.js';
import { BASE_STATES } from '../../../src/space/meaning.js';
import { PacketSpace } from '../../../src/space/space.js';

function conditionOf(query: string, family: Family) {
  const parsed = parseQuery(query, family);
  if (!parsed.ok) throw new Error(parsed.diagnostic.message);
  return parsed.condition;
}

/** Whether a packet in words is one of those that are asked for. */
function holds(query: string, text: string): boolean {
  const parsed = parsePacketText(text);
  if (!parsed.ok) throw new Error(parsed.diagnostics[0].message);
  const { packet, family, surroundings } = parsed.text;
  const condition = conditionOf(query, family);
  const space = new PacketSpace({
    family,
    hook: packet.outInterface === '' ? 'INPUT' : 'FORWARD',
    conditions: [condition],
  });
  const point = locate(space, packet, (input) => {
    if (input.kind !== 'state') return 0;
    return BASE_STATES.findIndex((state) => surroundings.ctstate?.includes(state));
  });
  return space.diagrams.evaluate(space.outcomes.of(condition, { occurrence: '' }), point) === 1;
}

const SSH = 'tcp 10.1.2.3:4000 > 192.0.2.1:22 SYN in eth0';

describe('what a query holds', () => {
  it.each([
    { query: 'all', packet: SSH, want: true },
    { query: 'tcp', packet: SSH, want: true },
    { query: 'udp', packet: SSH, want: false },
    { query: 'proto udp,6', packet: SSH, want: true },
    { query: 'gre', packet: '47 10.0.0.1 > 10.0.0.2 in eth0', want: true },
    { query: 'tcp port 22', packet: SSH, want: true },
    { query: 'tcp port ssh', packet: SSH, want: true },
    { query: 'port 20-22', packet: SSH, want: true },
    { query: 'port 1-21,23-65535', packet: SSH, want: false },
    { query: 'sport 4000', packet: SSH, want: true },
    { query: 'sport 22', packet: SSH, want: false },
    { query: 'udp port 22', packet: SSH, want: false },
    { query: 'port 22', packet: 'udp 10.1.2.3:4000 > 192.0.2.1:22 in eth0', want: true },
    { query: 'port 22', packet: `${SSH} frag 1480`, want: false },
    { query: 'fragment', packet: `${SSH} frag 1480`, want: true },
    { query: 'fragment', packet: `${SSH} mf`, want: false },
    { query: 'port 22', packet: `${SSH} cut 19`, want: false },
    { query: 'cut', packet: `${SSH} cut 19`, want: true },
    { query: 'cut', packet: SSH, want: false },
    { query: 'from 10.0.0.0/8', packet: SSH, want: true },
    { query: 'from 10.1.2.4/31', packet: SSH, want: false },
    { query: 'from 10.1.2.2-10.1.2.3', packet: SSH, want: true },
    { query: 'from 192.168.0.0/16, 10.1.2.3', packet: SSH, want: true },
    { query: 'from any to 192.0.2.1', packet: SSH, want: true },
    { query: 'to 192.0.2.0/24 not from 10.0.0.0/8', packet: SSH, want: false },
    { query: 'not (tcp port 23)', packet: SSH, want: true },
    { query: 'not tcp port 22', packet: SSH, want: false },
    { query: 'udp or tcp and port 22', packet: SSH, want: true },
    { query: '(udp or tcp) port 23', packet: SSH, want: false },
    { query: 'in eth0', packet: SSH, want: true },
    { query: 'in eth1,eth0', packet: SSH, want: true },
    { query: 'in eth+', packet: SSH, want: true },
    { query: 'in et', packet: SSH, want: false },
    { query: 'out wan+', packet: `${SSH} out wan0`, want: true },
    { query: 'state new', packet: `${SSH} state NEW`, want: true },
    { query: 'state established,related', packet: `${SSH} state NEW`, want: false },
    { query: 'flags syn,!ack', packet: SSH, want: true },
    { query: 'flags syn,ack', packet: SSH, want: false },
    { query: 'icmp type echo-request', packet: 'icmp 10.0.0.1 > 10.0.0.2 type 8 in eth0', want: true },
    { query: 'type 3/4,8/1', packet: 'icmp 10.0.0.1 > 10.0.0.2 type 3 code 4 in eth0', want: true },
    { query: 'type 3/4,8/1', packet: 'icmp 10.0.0.1 > 10.0.0.2 type 8 code 4 in eth0', want: false },
    { query: 'type 8', packet: 'tcp 10.0.0.1:2048 > 10.0.0.2:1 in eth0', want: false },
    { query: 'mark 0x10/0xf0', packet: `${SSH} mark 0x1f`, want: true },
    { query: 'mark 0x10', packet: `${SSH} mark 0x1f`, want: false },
    { query: 'ttl 1-64', packet: SSH, want: true },
    { query: 'tos 0x10', packet: `${SSH} tos 16`, want: true },
    { query: 'length 0-39', packet: SSH, want: false },
    { query: 'length 40', packet: SSH, want: true },
    { query: 'icmp6 type 135 from fe80::/10', packet: 'icmp6 fe80::1 > ff02::1 type 135 in eth0', want: true },
    { query: 'icmp6 type 136', packet: 'icmp6 fe80::1 > ff02::1 type 135 in eth0', want: false },
    { query: 'udp port 53 from 2001:db8::/32', packet: 'udp [2001:db8::1]:9 > [::1]:53 in eth0', want: true },
  ])('$query: $packet: $want', ({ query, packet, want }) => {
    expect(holds(query, packet)).toBe(want);
  });

  it('asks definitions by name', () => {
    const office = conditionOf('from 10.0.0.0/8', 'v4');
    const parsed = parseQuery('tcp $office', 'v4', new Map([['office', office]]));
    expect(parsed).toMatchObject({ ok: true, condition: { kind: 'all', of: [{}, office] } });
  });
});

describe('faults of a query', () => {
  it.each([
    { query: '', code: 'query-end', column: 1, hint: undefined },
    { query: 'tcp port', code: 'query-end', column: 9, hint: undefined },
    { query: 'tcp prt 22', code: 'query-word', column: 5, hint: 'did you mean port?' },
    { query: 'tcp port 22,70000', code: 'query-value', column: 13, hint: undefined },
    { query: 'tcp port 22-', code: 'query-value', column: 10, hint: undefined },
    { query: 'tcp port 30-22', code: 'query-value', column: 10, hint: undefined },
    { query: 'tcp port htp', code: 'query-value', column: 10, hint: 'did you mean ftp?' },
    { query: '(tcp or udp', code: 'query-end', column: 1, hint: undefined },
    { query: 'tcp) or udp', code: 'query-word', column: 4, hint: undefined },
    { query: 'from 10.0.0.0/33', code: 'query-value', column: 6, hint: undefined },
    { query: 'from 10.0.0.300', code: 'query-value', column: 6, hint: 'names are not resolved' },
    { query: 'to fe80::1', code: 'query-family', column: 4, hint: undefined },
    { query: 'icmp6', code: 'query-family', column: 1, hint: 'there it is icmp' },
    { query: 'state nwe', code: 'query-value', column: 7, hint: expect.stringContaining('new') },
    { query: 'flags sin', code: 'query-value', column: 7, hint: expect.stringContaining('syn') },
    { query: 'type 300', code: 'query-value', column: 6, hint: undefined },
    { query: 'in a-very-long-device', code: 'query-value', column: 4, hint: undefined },
    { query: 'tcp $office', code: 'query-word', column: 5, hint: undefined },
    { query: 'tcp or', code: 'query-end', column: 7, hint: undefined },
  ])('$query: $code at $column', ({ query, code, column, hint }) => {
    const parsed = parseQuery(query, 'v4');
    expect(parsed).toMatchObject({ ok: false, diagnostic: { line: 1, column, code } });
    if (!parsed.ok) expect(parsed.diagnostic.hint).toEqual(hint);
  });
});
