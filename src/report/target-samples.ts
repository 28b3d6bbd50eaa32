import type { Family } from '../../grammar/model/family.js';
import type { ModuleSample } from './module-samples.js';

const BOTH: readonly Family[] = ['v4', 'v6'];

const of =
  (families: readonly Family[]) =>
  (module: string, options = '', before = ''): ModuleSample => ({
    module,
    words: `${before} -j ${module} ${options}`.trim(),
    families,
  });
const any = of(BOTH);
const v4 = of(['v4']);
const v6 = of(['v6']);
const TCP = '-p tcp';
const SYN = '-p tcp --tcp-flags SYN,RST SYN';

/** One rule for every target, in the order of the documentation. */
export const TARGET_SAMPLES: readonly ModuleSample[] = [
  any('ACCEPT'),
  any('DROP'),
  any('RETURN'),
  any('QUEUE'),
  any('REJECT'),
  any('REJECT', '--reject-with tcp-reset', TCP),
  any('LOG', '--log-prefix a'),
  any('NFLOG', '--nflog-group 1'),
  any('MARK', '--set-xmark 0x1/0xff'),
  any('AUDIT', '--type accept'),
  any('CHECKSUM', '--checksum-fill'),
  any('CLASSIFY', '--set-class 1:2'),
  v4(
    'CLUSTERIP',
    '--new --hashmode sourceip --clustermac 01:00:5e:00:00:01 --total-nodes 2 --local-node 1',
    '-d 192.0.2.9 -i eth0',
  ),
  any('CONNMARK', '--set-xmark 0x1/0xff'),
  any('CONNSECMARK', '--save'),
  any('CT', '--notrack'),
  any('DNAT', '--to-destination :80', TCP),
  v6('DNPT', '--src-pfx 2001:db8:1::/64 --dst-pfx 2001:db8:2::/64'),
  any('DSCP', '--set-dscp 0x10'),
  v4('ECN', '--ecn-tcp-remove', TCP),
  v6('HL', '--hl-set 64'),
  any('HMARK', '--hmark-tuple src --hmark-mod 4 --hmark-rnd 1'),
  any('IDLETIMER', '--timeout 42 --label a'),
  any('LED', '--led-trigger-id a'),
  any('MASQUERADE'),
  v4('NETMAP', '--to 192.0.2.0/24'),
  any('NFQUEUE', '--queue-num 1'),
  any('NOTRACK'),
  any('RATEEST', '--rateest-name a --rateest-interval 250ms --rateest-ewmalog 500ms'),
  any('REDIRECT', '--to-ports 80', TCP),
  any('SECMARK', '--selctx system_u:object_r:a_t:s0'),
  any('SET', '--add-set a src'),
  any('SNAT', '--to-source :80', TCP),
  v6('SNPT', '--src-pfx 2001:db8:1::/64 --dst-pfx 2001:db8:2::/64'),
  any('SYNPROXY', '--mss 1460', TCP),
  any('TCPMSS', '--set-mss 1400', SYN),
  any('TCPOPTSTRIP', '--strip-options timestamp', TCP),
  v4('TEE', '--gateway 192.0.2.1'),
  v6('TEE', '--gateway 2001:db8::1'),
  any('TOS', '--set-tos 0x10/0xff'),
  any('TPROXY', '--on-port 80', TCP),
  any('TRACE'),
  v4('TTL', '--ttl-set 64'),
  v4('ULOG', '--ulog-nlgroup 1'),
];
