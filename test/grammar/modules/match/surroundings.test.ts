import { connmark } from '../../../../grammar/modules/match/connmark.js';
import { helper } from '../../../../grammar/modules/match/helper.js';
import { ipv6header } from '../../../../grammar/modules/match/ipv6header.js';
import { owner } from '../../../../grammar/modules/match/owner.js';
import { physdev } from '../../../../grammar/modules/match/physdev.js';
import { rpfilter } from '../../../../grammar/modules/match/rpfilter.js';
import { rt } from '../../../../grammar/modules/match/rt.js';
import { tcpmss } from '../../../../grammar/modules/match/tcpmss.js';
import { rows, testRows } from '../rows.js';
import { PLAIN, PLAIN_V6, withProtocol } from '../support.js';

const OUTPUT = { ...PLAIN, chain: 'OUTPUT' };

testRows(owner, [
  ...rows(
    OUTPUT,
    ['--uid-owner 0', '--uid-owner 0'],
    ['! --uid-owner root --gid-owner root', '! --uid-owner 0 --gid-owner 0'],
    ['--gid-owner 5:10 --uid-owner 1-2', '--uid-owner 1-2 --gid-owner 5-10'],
    ['--uid-owner 3-3', '--uid-owner 3'],
    ['--gid-owner 0 --suppl-groups', '--gid-owner 0 --suppl-groups'],
    ['! --socket-exists', '! --socket-exists'],
    ['--uid-owner 4294967295'],
    ['--uid-owner 5-3'],
    ['--uid-owner 1-'],
    ['--uid-owner 1,2'],
    ['--suppl-groups --gid-owner 0'],
    ['--suppl-groups --uid-owner 0'],
    ['--gid-owner 0 ! --suppl-groups'],
    [''],
  ),
  {
    words: '--uid-owner alice',
    want: '--uid-owner alice',
    context: OUTPUT,
    notAsked: 'what a name means depends on the system',
  },
]);

testRows(
  connmark,
  rows(PLAIN, ['--mark 1/0xff', '--mark 0x1/0xff'], ['! --mark 010', '! --mark 0x8'], ['--mark -1'], ['']),
);

testRows(helper, [
  ...rows(PLAIN, ['--helper ftp', '--helper ftp'], ['! --helper irc', '! --helper irc'], ['']),
  { words: `--helper ${'h'.repeat(40)}`, want: `--helper ${'h'.repeat(29)}` },
]);

testRows(
  rpfilter,
  rows(
    { ...PLAIN, table: 'raw', chain: 'PREROUTING' },
    ['', ''],
    ['--invert --accept-local --loose', '--loose --accept-local --invert'],
    ['--validmark', '--validmark'],
    ['! --loose'],
  ),
);

testRows(physdev, [
  ...rows(
    { ...PLAIN, chain: 'FORWARD' },
    ['--physdev-in eth+ ! --physdev-out br0', '--physdev-in eth+ ! --physdev-out br0'],
    [
      '--physdev-is-bridged --physdev-is-out --physdev-is-in --physdev-in lo',
      '--physdev-is-in --physdev-in lo --physdev-is-out --physdev-is-bridged',
    ],
    ['! --physdev-is-bridged', '! --physdev-is-bridged'],
    ['--physdev-in abcdefghijklmnop'],
    [''],
  ),
  ...rows(
    OUTPUT,
    ['--physdev-is-bridged --physdev-out lo', '--physdev-out lo --physdev-is-bridged'],
    ['--physdev-out lo'],
    ['! --physdev-is-bridged --physdev-is-out'],
  ),
]);

testRows(
  tcpmss,
  rows(
    withProtocol(6),
    ['--mss 42', '--mss 42'],
    ['! --mss :', '! --mss 0:65535'],
    ['--mss 42:', '--mss 42:65535'],
    ['--mss 5:4'],
    ['--mss 65536'],
    [''],
  ),
);

testRows(
  rt,
  rows(
    PLAIN_V6,
    ['', ''],
    ['--rt-type 0 --rt-segsleft 1:23 --rt-len 42 --rt-0-res', '--rt-type 0 --rt-segsleft 1:23 --rt-len 42 --rt-0-res'],
    ['! --rt-type 1 ! --rt-segsleft 12', '! --rt-type 1 ! --rt-segsleft 12'],
    ['--rt-segsleft :', ''],
    ['--rt-segsleft 3:3', '--rt-segsleft 3'],
    [
      '--rt-type 0 --rt-0-addrs 2001:DB8::1,::2 --rt-0-not-strict',
      '--rt-type 0 --rt-0-addrs 2001:db8::1,::2 --rt-0-not-strict',
    ],
    ['--rt-0-res --rt-type 0'],
    ['--rt-type 1 --rt-0-res'],
    ['! --rt-type 0 --rt-0-res'],
    ['--rt-type 0 --rt-0-not-strict'],
    ['--rt-type 0 --rt-0-addrs 1.2.3.4'],
    ['--rt-type x'],
  ),
);

testRows(
  ipv6header,
  rows(
    PLAIN_V6,
    ['--header hop-by-hop', '--header hop-by-hop'],
    ['--header ipv6-nonxt', '--header ipv6-nonxt'],
    [
      '--header none,esp,auth,frag,route,dst,hop',
      '--header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt',
    ],
    ['! --header 255 --soft', '! --header protocol --soft'],
    ['--header 44', '--header ipv6-frag'],
    ['--header tcp'],
    ['--header nothing'],
    ['--header ,'],
    ['--soft'],
  ),
);
