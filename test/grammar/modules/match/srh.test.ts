import { srh } from '../../../../grammar/modules/match/srh.js';
import { rows, testRows } from '../rows.js';
import { PLAIN_V6 } from '../support.js';

testRows(srh, [
  ...rows(
    PLAIN_V6,
    ['', ''],
    [
      '--srh-tag 0xffff ! --srh-last-entry-lt 0 --srh-next-hdr 17',
      '--srh-next-hdr 17 ! --srh-last-entry-lt 0 --srh-tag 65535',
    ],
    // Three tests share one number of the kernel's structure.
    ['--srh-hdr-len-eq 8 ! --srh-hdr-len-gt 5', '--srh-hdr-len-eq 5 ! --srh-hdr-len-gt 5'],
    ['--srh-segs-left-gt 1 --srh-segs-left-eq 2', '--srh-segs-left-eq 2 --srh-segs-left-gt 2'],
    [
      '--srh-psid a::1 ! --srh-nsid a::1/ffff:: --srh-lsid ::/0',
      '--srh-psid a::1/128 ! --srh-nsid a::1/16 --srh-lsid ::/0',
    ],
    ['--srh-tag 65536'],
    ['--srh-next-hdr tcp'],
    ['--srh-segs-left-eq 256'],
    ['--srh-psid 1.2.3.4'],
    ['--srh-psid a::/129'],
    ['--srh-tag 1 --srh-tag 2'],
  ),
  // The tool prints the greatest number for the length of a mask with holes, which it does not read.
  {
    words: '--srh-psid a::1/ffff::ffff',
    want: '--srh-psid a::1/ffff::ffff',
    context: PLAIN_V6,
    notAsked: 'it prints what it does not read',
  },
]);
