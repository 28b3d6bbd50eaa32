import { describe, expect, it } from 'vitest';
import { STYLE } from '../../../src/page/style.js';

type Colours = Readonly<Record<string, string>>;

/** The custom properties of both schemes. */
const [LIGHT, DARK]: readonly Colours[] = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, body]) =>
  Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{3,6})/g)].map(([, name, value]) => [name, value])),
);

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const digits =
    colour.length === 4 ? [...colour.slice(1)].map((digit) => digit + digit) : colour.slice(1).match(/../g);
  const [red, green, blue] = (digits ?? []).map((two) => {
    const share = Number.parseInt(two, 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

it('measures contrast as WCAG does', () => {
  expect(contrast('#fff', '#000000')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#fff')).toBeCloseTo(4.48, 2);
});

describe.each([
  { scheme: 'light', colours: LIGHT },
  { scheme: 'dark', colours: DARK },
])('$scheme', ({ colours }) => {
  const texts = ['fg', 'soft', 'link', 'good', 'bad', 'half'];
  const pairs = [
    ...texts.flatMap((text) => [
      { text, ground: 'bg' },
      { text, ground: 'box' },
    ]),
    ...['good', 'bad', 'half'].map((text) => ({ text, ground: `${text}-bg` })),
    { text: 'fg', ground: 'heat' },
    { text: 'fg', ground: 'path' },
    { text: 'fg', ground: 'half-bg' },
  ];
  // 4.5 is level AA for text of any size.
  it.each(pairs)('$text on $ground is readable', ({ text, ground }) => {
    expect(contrast(colours[text], colours[ground])).toBeGreaterThanOrEqual(4.5);
  });
});
