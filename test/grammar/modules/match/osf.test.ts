import { osf } from '../../../../grammar/modules/match/osf.js';
import { rows, testRows } from '../rows.js';
import { withProtocol } from '../support.js';

testRows(
  osf,
  rows(
    withProtocol(6),
    ['--log 2 --ttl 0 ! --genre Linux', '! --genre Linux --ttl 0 --log 2'],
    [`--genre ${'x'.repeat(40)}`, `--genre ${'x'.repeat(31)}`],
    ['--genre Linux --ttl 3'],
    ['--genre Linux --log 3'],
    ['--genre Linux ! --ttl 0'],
    ['--ttl 0'],
  ),
);
