import { defineTarget, moduleWords, option, type OptionsOf, type ValueType } from '../define.js';
import { markMask, type MarkMask } from '../value/mark.js';
import { hex, number, UINT32 } from '../value/number.js';

/** Reads a value and turns it into the mask to clear and the value to flip. */
function mapped<T>(type: ValueType<T>, toXmark: (value: T) => MarkMask): ValueType<MarkMask> {
  return {
    arity: type.arity,
    placeholder: type.placeholder,
    parse: (words, context) => {
      const parsed = type.parse(words, context);
      return 'error' in parsed ? parsed : { value: toXmark(parsed.value) };
    },
    print: ({ value, mask }) => [`${hex(value)}/${hex(mask)}`],
  };
}

const bits = number({ max: UINT32, placeholder: 'bits' });
const FORMS = ['setXmark', 'setMark', 'andMark', 'orMark', 'xorMark'] as const;

function excluding(form: (typeof FORMS)[number], doc: string): { excludes: readonly string[]; doc: string } {
  return { excludes: FORMS.filter((other) => other !== form), doc };
}

const OPTIONS = {
  setXmark: option(
    '--set-xmark',
    mapped(markMask, (mark) => mark),
    excluding('setXmark', 'clear mask, flip value'),
  ),
  setMark: option(
    '--set-mark',
    mapped(markMask, ({ value, mask }) => ({ value, mask: (value | mask) >>> 0 })),
    excluding('setMark', 'clear mask, set value'),
  ),
  andMark: option(
    '--and-mark',
    mapped(bits, (value) => ({ value: 0, mask: ~value >>> 0 })),
    excluding('andMark', 'keep these bits alone'),
  ),
  orMark: option(
    '--or-mark',
    mapped(bits, (value) => ({ value, mask: value })),
    excluding('orMark', 'set these bits'),
  ),
  xorMark: option(
    '--xor-mark',
    mapped(bits, (value) => ({ value, mask: 0 })),
    excluding('xorMark', 'flip these bits'),
  ),
};

function chosen(options: OptionsOf<typeof OPTIONS>): MarkMask | undefined {
  return FORMS.map((form) => options[form]?.value).find((value) => value !== undefined);
}

/** `mark = (mark & ~mask) ^ value` (net/netfilter/xt_mark.c `mark_tg`). */
export const markTarget = defineTarget({
  name: 'MARK',
  families: ['v4', 'v6'],
  doc: 'change the packet mark and go on',
  options: OPTIONS,
  check: (options) =>
    chosen(options) === undefined
      ? ['one of --set-xmark, --set-mark, --and-mark, --or-mark, --xor-mark is needed']
      : [],
  print: (options, context) => {
    const value = chosen(options);
    if (value === undefined) return [];
    return moduleWords({ options: OPTIONS }, { setXmark: { value, inverted: false } }, context);
  },
  effect: (options) => {
    const { value, mask } = chosen(options) ?? { value: 0, mask: 0 };
    return { kind: 'mark', clear: mask, flip: value };
  },
});
