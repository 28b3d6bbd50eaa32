export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 70;
const RIGHT = 170;
const TOP = 40;
const BOTTOM = 50;
/** Told apart by people who do not see all colours (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

/** Lines over two logarithmic scales, as an SVG file. */
export function plotSvg({ title, x, y, series }: Plot): string {
  const points = series.flatMap((one) => one.points);
  const scaleX = decades(points.map((point) => point.x));
  const scaleY = decades(points.map((point) => point.y));
  const atX = (value: number): number => LEFT + scaleX.share(value) * (WIDTH - LEFT - RIGHT);
  const atY = (value: number): number => HEIGHT - BOTTOM - scaleY.share(value) * (HEIGHT - TOP - BOTTOM);
  const lines = series.flatMap(({ name, points: own }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = own.map((point) => `${atX(point.x).toFixed(1)},${atY(point.y).toFixed(1)}`).join(' ');
    const label = TOP + 18 * index;
    return [
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>`,
      ...own.map(
        (point) => `<circle cx="${atX(point.x).toFixed(1)}" cy="${atY(point.y).toFixed(1)}" r="3" fill="${colour}"/>`,
      ),
      `<rect x="${WIDTH - RIGHT + 14}" y="${label}" width="10" height="10" fill="${colour}"/>`,
      `<text x="${WIDTH - RIGHT + 30}" y="${label + 9}">${name}</text>`,
    ];
  });
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  const grid = [
    ...scaleX.ticks.map(
      (tick) =>
        `<line class="grid" x1="${atX(tick)}" x2="${atX(tick)}" y1="${TOP}" y2="${bottom}"/><text x="${atX(tick)}" y="${bottom + 18}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
    ),
    ...scaleY.ticks.map(
      (tick) =>
        `<line class="grid" x1="${LEFT}" x2="${right}" y1="${atY(tick)}" y2="${atY(tick)}"/><text x="${LEFT - 8}" y="${atY(tick) + 4}" text-anchor="end">${tick.toLocaleString('en')}</text>`,
    ),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    '<style>.grid{stroke:#ccc;stroke-width:1}</style>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="14" font-weight="bold">${title}</text>`,
    ...grid,
    `<text x="${(LEFT + right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${x}</text>`,
    `<text transform="rotate(-90)" x="${-(TOP + bottom) / 2}" y="16" text-anchor="middle">${y}</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

/** Whole decades around the values. */
function decades(values: readonly number[]): { readonly ticks: readonly number[]; share(value: number): number } {
  const logs = values.map((value) => Math.log10(Math.max(1, value)));
  const lo = Math.floor(Math.min(...logs));
  const hi = Math.max(lo + 1, Math.ceil(Math.max(...logs)));
  return {
    ticks: Array.from({ length: hi - lo + 1 }, (_, i) => 10 ** (lo + i)),
    share: (value) => (Math.log10(Math.max(1, value)) - lo) / (hi - lo),
  };
}
