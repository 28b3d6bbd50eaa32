import { option, type OptionsOf, type ValueType } from '../define.js';
import { markMask, type MarkMask } from './mark.js';
import { hex, number, UINT32 } from './number.js';

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

export const XMARK_FORMS = ['setXmark', 'setMark', 'andMark', 'orMark', 'xorMark'] as const;

/**
 * The five ways to say `mark = (mark & ~mask) ^ value`, one of which may be given; `others` are further keys of the
 * module that cannot stand beside them.
 */
export function xmarkOptions(others: readonly string[] = []) {
  const excluding = (
    form: (typeof XMARK_FORMS)[number],
    doc: string,
  ): { excludes: readonly string[]; doc: string } => ({
    excludes: [...XMARK_FORMS.filter((other) => other !== form), ...others],
    doc,
  });
  return {
    setXmark: option(
      '--set-xmark',
      mapped(markMask, (mark) => mark),
      excluding('setXmark', 'clear the mask, flip the value'),
    ),
    setMark: option(
      '--set-mark',
      mapped(markMask, ({ value, mask }) => ({ value, mask: (value | mask) >>> 0 })),
      excluding('setMark', 'clear the mask, set the value'),
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
}

export type XmarkOptions = ReturnType<typeof xmarkOptions>;

export function chosenXmark(options: OptionsOf<XmarkOptions>): MarkMask | undefined {
  return XMARK_FORMS.map((form) => options[form]?.value).find((value) => value !== undefined);
}

/** Canonical words, whichever way it was said. */
export function xmarkWords({ value, mask }: MarkMask): readonly string[] {
  return ['--set-xmark', `${hex(value)}/${hex(mask)}`];
}
