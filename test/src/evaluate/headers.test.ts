import { PING, rows, SSH, TCP, TCP6, UDP } from './rows.js';

rows('later fragments', [
  {
    name: 'no port rule matches',
    rules: [SSH],
    packet: `${TCP} frag 16`,
    want: 'accept by policy INPUT; ',
    policy: 'ACCEPT',
  },
  {
    name: 'nor an inverted one',
    rules: ['-A INPUT -p tcp ! --dport 80 -j DROP'],
    packet: `${TCP} frag 16`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'UDP too',
    rules: ['-A INPUT -p udp ! --dport 80 -j DROP'],
    packet: `${UDP} frag 16`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'ICMP types too',
    rules: ['-A INPUT -p icmp --icmp-type any -j DROP'],
    packet: `${PING} frag 16`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'multiport too',
    rules: ['-A INPUT -p tcp -m multiport ! --dports 1,2 -j DROP'],
    packet: `${TCP} frag 16`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'a rule on the protocol alone does',
    rules: ['-A INPUT -p tcp -j DROP'],
    packet: `${TCP} frag 16`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'TCP at offset 8 is dropped at once, not counted',
    rules: ['-A INPUT', SSH],
    packet: `${TCP} frag 8`,
    want: 'drop by hotdrop INPUT 2; INPUT 1',
  },
  {
    name: 'UDP at offset 8 is not',
    rules: ['-A INPUT -p udp --dport 53'],
    packet: `${UDP} frag 8`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'the first fragment is judged by its ports',
    rules: [SSH],
    policy: 'DROP',
    packet: `${TCP} frag 0 mf`,
    want: 'accept by INPUT 1; INPUT 1',
  },
  {
    name: '-f wants an offset',
    rules: ['-A INPUT -f -j DROP'],
    packet: `${TCP} frag 16`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: '-f wants no first fragment',
    rules: ['-A INPUT -f -j DROP'],
    packet: `${TCP} mf`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: '! -f takes first fragments',
    rules: ['-A INPUT ! -f -j DROP'],
    packet: `${TCP} mf`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  { name: '! -f takes whole packets', rules: ['-A INPUT ! -f -j DROP'], packet: TCP, want: 'drop by INPUT 1; INPUT 1' },
  {
    name: '! -f takes no later ones',
    rules: ['-A INPUT ! -f -j DROP'],
    packet: `${TCP} frag 8`,
    want: 'accept by policy INPUT; ',
  },
]);

rows('truncated headers', [
  { name: 'TCP of 19 bytes', rules: [SSH], packet: `${TCP} cut 19`, want: 'drop by hotdrop INPUT 1; ' },
  { name: 'TCP of 20 bytes', rules: [SSH], packet: `${TCP} cut 20`, want: 'accept by INPUT 1; INPUT 1' },
  {
    name: 'UDP of 7 bytes',
    rules: ['-A INPUT -p udp --dport 53'],
    packet: `${UDP} cut 7`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'multiport of 3 bytes',
    rules: ['-A INPUT -p tcp -m multiport --dports 1'],
    packet: `${TCP} cut 3`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'multiport of 4 bytes',
    rules: ['-A INPUT -p tcp -m multiport --dports 22'],
    packet: `${TCP} cut 4`,
    want: 'accept by policy INPUT; INPUT 1',
  },
  {
    name: 'ICMP of 7 bytes',
    rules: ['-A INPUT -p icmp --icmp-type 8'],
    packet: `${PING} cut 7`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'only where a rule reaches them',
    rules: ['-A INPUT -s 10.0.0.0/8 -p tcp --dport 22', '-A INPUT -p udp --dport 22'],
    packet: `${TCP} cut 3`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'only after the match before',
    rules: ['-A INPUT -p tcp -m mark --mark 5 -m tcp --dport 22'],
    packet: `${TCP} cut 3`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'an earlier verdict comes first',
    rules: ['-A INPUT -p tcp -j ACCEPT', SSH],
    packet: `${TCP} cut 3`,
    want: 'accept by INPUT 1; INPUT 1',
  },
  {
    name: 'none without rules that ask',
    rules: ['-A INPUT -p tcp'],
    packet: `${TCP} cut 0`,
    want: 'accept by policy INPUT; INPUT 1',
  },
  { name: 'none of a later fragment', rules: [SSH], packet: `${TCP} frag 16 cut 1`, want: 'accept by policy INPUT; ' },
]);

rows('IPv6 headers', [
  {
    name: '-p tcp behind extension headers',
    rules: ['-A INPUT -p tcp --dport 22 -j DROP'],
    packet: `${TCP6} ext hop,dst,rt,ah`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: '-p tcp in a first fragment',
    rules: ['-A INPUT -p tcp --dport 22 -j DROP'],
    packet: `${TCP6} mf`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'no port in a later fragment',
    rules: ['-A INPUT -p tcp ! --dport 80 -j DROP'],
    packet: `${TCP6} frag 8`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'its protocol is known',
    rules: ['-A INPUT -p tcp -j DROP'],
    packet: `${TCP6} frag 8`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'unless an extension header follows',
    rules: ['-A INPUT -p tcp -j ACCEPT'],
    packet: `${TCP6} ext frag,dst frag 8`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'an address before it decides',
    rules: ['-A INPUT -s ::1 -p tcp -j ACCEPT'],
    packet: `${TCP6} ext frag,dst frag 8`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'a rule without -p does not look',
    rules: ['-A INPUT -j DROP'],
    packet: `${TCP6} ext frag,dst frag 8`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: '! -p of a header that is not found',
    rules: ['-A INPUT ! -p udp -j ACCEPT'],
    packet: `60 2001:db8::7 > 2001:db8::1 payload 3b`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'no next header is a protocol',
    rules: ['-A INPUT -p 59 -j DROP'],
    packet: '59 2001:db8::7 > 2001:db8::1',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'ESP is not looked into',
    rules: ['-A INPUT -p esp -j DROP'],
    packet: '50 2001:db8::7 > 2001:db8::1 payload 06000000',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'a truncated TCP header',
    rules: ['-A INPUT -p tcp --dport 22'],
    packet: `${TCP6} cut 19`,
    want: 'drop by hotdrop INPUT 1; ',
  },
]);
