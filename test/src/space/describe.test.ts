import { describe, expect, it } from 'vitest';
import { all, equals, inSet, not, TRUE, type Condition } from '../../../grammar/model/condition.js';
import { intervals } from '../../../grammar/model/interval.js';
import { coverWithBoxes } from '../../../src/space/boxes.js';
import { boxText, describeBox } from '../../../src/space/describe.js';
import { PacketSpace } from '../../../src/space/space.js';

const protocol = (number: number): Condition => equals('proto', number);
const notPing = not(equals('icmp.type', 8));
const notDns = not(equals('sport', 53));

/** The first two bytes of the transport header are a source port, or a type and a code. */
const ROWS = [
  { name: 'TCP', which: protocol(6), condition: notDns, want: 'protocol tcp; source port not 53' },
  { name: 'ICMP', which: protocol(1), condition: notPing, want: 'protocol icmp; type not 8' },
  {
    name: 'ICMP and others, but not TCP and UDP',
    which: not(inSet('proto', intervals([6n, 6n], [17n, 17n]))),
    condition: notPing,
    want: 'protocol not tcp, udp; type not 8',
  },
  {
    name: 'ICMP and UDP among others',
    which: not(protocol(6)),
    condition: notDns,
    want: 'protocol not tcp; source port not 53',
  },
  { name: 'whatever the protocol is', which: TRUE, condition: notDns, want: 'source port not 53' },
];

describe('what rectangles are told by', () => {
  it.each(ROWS)('$name', ({ which, condition, want }) => {
    const whole = [equals('fragoff', 0), equals('l4len', 100)];
    const wanted = all(...whole, which, condition);
    const space = new PacketSpace({ family: 'v4', hook: 'INPUT', conditions: [wanted] });
    const { diagrams } = space;
    const region = diagrams.and(space.feasible, space.outcomes.of(wanted, { occurrence: '' }));
    const { boxes } = coverWithBoxes(diagrams, [region], space.feasible, { boxes: 9, ranges: Infinity });
    const told = boxes.map((box) => boxText(describeBox(space, box).filter(({ field }) => !field.startsWith('bytes'))));
    expect(told).toEqual([want]);
  });
});
