import { defineVerbatimTarget, option, type ValueType } from '../define.js';
import { number, UINT8 } from '../value/number.js';
import { tosMask, type TosMask } from '../value/tos.js';

const namedTos = tosMask(0x3f);
const bits = number({ max: UINT8, placeholder: 'bits' });

function mappedBits(toTos: (value: number) => TosMask): ValueType<TosMask> {
  return {
    ...namedTos,
    placeholder: bits.placeholder,
    parse: (words, context) => {
      const parsed = bits.parse(words, context);
      return 'error' in parsed ? parsed : { value: toTos(parsed.value) };
    },
  };
}

const TOS_FORMS = ['set', 'and', 'or', 'xor'] as const;

function otherForms(form: (typeof TOS_FORMS)[number]): readonly string[] {
  return TOS_FORMS.filter((other) => other !== form);
}

const TOS_OPTIONS = {
  set: option('--set-tos', namedTos, { excludes: otherForms('set'), doc: 'clear the mask, flip the value' }),
  and: option(
    '--and-tos',
    mappedBits((value) => ({ value: 0, mask: ~value & UINT8 })),
    { excludes: otherForms('and'), doc: 'keep these bits alone' },
  ),
  or: option(
    '--or-tos',
    mappedBits((value) => ({ value, mask: value })),
    { excludes: otherForms('or'), doc: 'set these bits' },
  ),
  xor: option(
    '--xor-tos',
    mappedBits((value) => ({ value, mask: 0 })),
    { excludes: otherForms('xor'), doc: 'flip these bits' },
  ),
};

/** Change the TOS byte or traffic class (net/netfilter/xt_DSCP.c `tos_tg`). */
export const tosTarget = defineVerbatimTarget({
  name: 'TOS',
  families: ['v4', 'v6'],
  tables: ['mangle'],
  doc: 'change the TOS byte or traffic class and go on',
  options: TOS_OPTIONS,
  check: ({ set, and, or, xor }) => ((set ?? and ?? or ?? xor) === undefined ? ['an action is needed'] : []),
  change: ({ set, and, or, xor }) => {
    const given = set ?? and ?? or ?? xor;
    return given && { kind: 'tos', clear: given.value.mask, flip: given.value.value };
  },
  print: ({ set, and, or, xor }, context) => {
    const given = set ?? and ?? or ?? xor;
    return given === undefined ? [] : [TOS_OPTIONS.set.flag, ...namedTos.print(given.value, context)];
  },
});
