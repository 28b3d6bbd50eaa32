import type { Family } from '../../../grammar/model/family.js';

/** Sets, and the tests on them: each is met by packets of an element, beside it, and in an exception. */
export interface SetCase {
  readonly family: Family;
  readonly ipset: string;
  /** Words behind `-m set`. */
  readonly tests: readonly string[];
}

export const SET_CASES: readonly SetCase[] = [
  {
    family: 'v4',
    ipset: `
create ip hash:ip
add ip 10.0.0.1
add ip 192.0.2.7
create ipm hash:ip netmask 24
add ipm 10.1.1.0
create ipb hash:ip bitmask 255.0.0.255
add ipb 10.0.0.7
create net hash:net
add net 10.0.0.0/8
add net 10.1.0.0/16 nomatch
add net 10.1.2.0/24
add net 10.1.2.3/32 nomatch
add net 192.0.2.128/25 nomatch
create ipp hash:ip,port
add ipp 10.0.0.1,tcp:80
add ipp 10.0.0.1,udp:53
add ipp 10.0.0.1,icmp:8/0
add ipp 10.0.0.1,icmp:3/1
add ipp 10.0.0.1,gre:0
add ipp 10.0.0.1,sctp:7
add ipp 10.0.0.1,udplite:9
create netp hash:net,port
add netp 10.0.0.0/8,tcp:80
add netp 10.1.0.0/16,tcp:80 nomatch
add netp 10.1.2.3,udp:53
add netp 10.0.0.0/8,gre:0
create ippi hash:ip,port,ip
add ippi 10.0.0.1,tcp:80,192.0.2.1
add ippi 10.0.0.2,icmp:8/0,192.0.2.1
create ippn hash:ip,port,net
add ippn 10.0.0.1,tcp:80,192.0.2.0/24
add ippn 10.0.0.1,tcp:80,192.0.2.64/26 nomatch
create bip bitmap:ip range 10.0.0.0/16
add bip 10.0.3.3
create bipm bitmap:ip range 10.0.0.0/16 netmask 24
add bipm 10.0.7.0
create bport bitmap:port range 0-1023
add bport 22
add bport 53
create bmac bitmap:ip,mac range 10.0.0.0/24
add bmac 10.0.0.9,00:11:22:33:44:55
create timed hash:net timeout 600 counters comment
add timed 10.0.0.0/8 timeout 500 packets 3 bytes 100 comment "ten"
add timed 10.1.0.0/16 timeout 0 nomatch
add timed 192.0.2.1 timeout 100
create six hash:ip family inet6
add six 2001:db8::1
create list list:set
add list ip
add list netp
add list bport
add list six
create empty hash:net
`,
    tests: [
      '--match-set ip src',
      '--match-set ip dst',
      '! --match-set ipm src',
      '--match-set ipb src',
      '--match-set net src',
      '--match-set net dst --return-nomatch',
      '! --match-set net src --return-nomatch',
      '--match-set ip src --return-nomatch',
      '--match-set ipp src,dst',
      '--match-set ipp dst,src',
      '! --match-set ipp src,src',
      '--match-set ipp src',
      '! --match-set ipp src',
      '--match-set ip src,dst,dst',
      '--match-set netp src,dst',
      '--match-set netp src,dst --return-nomatch',
      '--match-set ippi src,dst,dst',
      '! --match-set ippi src,src,dst',
      '--match-set ippn src,dst,dst',
      '--match-set ippn src,dst,dst --return-nomatch',
      '--match-set bip src',
      '--match-set bipm src',
      '--match-set bport dst',
      '! --match-set bport src',
      '--match-set bmac src,src',
      '--match-set timed src',
      '--match-set timed src --return-nomatch',
      '--match-set timed src ! --update-counters',
      '--match-set list src,dst',
      '--match-set list src',
      '! --match-set list dst,dst --return-nomatch',
      '--match-set empty src',
      '! --match-set empty dst',
    ],
  },
  {
    family: 'v6',
    ipset: `
create ip hash:ip family inet6
add ip 2001:db8::1
create ipm hash:ip family inet6 netmask 64
add ipm 2001:db8:0:5::
create net hash:net family inet6
add net 2001:db8::/32
add net 2001:db8:1::/48 nomatch
add net 2001:db8:1:2::/64
add net 2001:db8:1:2::3 nomatch
create ipp hash:ip,port family inet6
add ipp 2001:db8::1,tcp:80
add ipp 2001:db8::1,udp:53
add ipp 2001:db8::1,ipv6-icmp:128/0
add ipp 2001:db8::1,gre:0
add ipp 2001:db8::1,esp:0
add ipp 2001:db8::1,ipv6-nonxt:0
add ipp 2001:db8::1,sctp:7
create netp hash:net,port family inet6
add netp 2001:db8::/32,tcp:80
add netp 2001:db8:1::/48,tcp:80 nomatch
add netp 2001:db8::/32,ipv6-nonxt:0
create ippi hash:ip,port,ip family inet6
add ippi 2001:db8::1,tcp:80,2001:db8::2
create ippn hash:ip,port,net family inet6
add ippn 2001:db8::1,tcp:80,2001:db8:5::/48
add ippn 2001:db8::1,tcp:80,2001:db8:5:1::/64 nomatch
create bport bitmap:port range 0-1023
add bport 22
add bport 53
create timed hash:net family inet6 timeout 600
add timed 2001:db8::/32 timeout 500
add timed 2001:db8:1::/48 timeout 0 nomatch
create list list:set
add list ip
add list netp
add list bport
`,
    tests: [
      '--match-set ip src',
      '--match-set ip dst',
      '! --match-set ipm src',
      '--match-set net src',
      '--match-set net dst --return-nomatch',
      '! --match-set net src --return-nomatch',
      '--match-set ipp src,dst',
      '--match-set ipp dst,src',
      '! --match-set ipp src,src',
      '--match-set ipp src',
      '--match-set netp src,dst',
      '--match-set netp src,dst --return-nomatch',
      '--match-set ippi src,dst,dst',
      '! --match-set ippi src,src,dst',
      '--match-set ippn src,dst,dst',
      '--match-set ippn src,dst,dst --return-nomatch',
      '--match-set bport dst',
      '! --match-set bport src',
      '--match-set timed src',
      '--match-set timed src --return-nomatch',
      '--match-set list src,dst',
      '--match-set list src',
      '! --match-set list dst,dst --return-nomatch',
    ],
  },
];
