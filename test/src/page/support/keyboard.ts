import type { Page } from 'playwright-core';

/** What one is called here: its id, or its name and text. `nowhere` is the document itself. */
const CALLED = `const called = (one) => one === null || one === document.body ? 'nowhere'
  : one.id || (one.localName + ' ' + (one.getAttribute('aria-label') ?? one.textContent).trim()).slice(0, 60);`;

/** Whatever a Tab should come to. A closed <details> hides what is in it. */
const STOPS = `[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled)`;

/** Each stop that is come to leaves `tabStops.left`; `unseen` is where the focus is not in the window, or not drawn. */
const WATCH = `(() => {
  const left = new Set(${STOPS});
  const unseen = [];
  addEventListener('focusin', ({ target }) => {
    left.delete(target);
    const box = target.getBoundingClientRect();
    const within = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    if (!within || getComputedStyle(target).outlineStyle === 'none') unseen.push(target);
  });
  window.tabStops = { left, unseen };
  return left.size;
})()`;

export async function focusOf(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => { ${CALLED} return called(document.activeElement); })()`);
}

/** Presses Tab until the focus is on what the selector means; fails where it gets lost or never comes there. */
export async function tabTo(page: Page, selector: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const asked = `(() => { ${CALLED}
    const one = document.activeElement;
    return { focus: called(one), there: one.matches(${JSON.stringify(selector)}) };
  })()`;
  const way: string[] = [];
  for (let most = await page.evaluate<number>(`${STOPS}.length`); most >= 0; most--) {
    await page.keyboard.press(key);
    const { focus, there } = await page.evaluate<{ focus: string; there: boolean }>(asked);
    if (there) return;
    way.push(focus);
    if (focus === 'nowhere') break;
  }
  throw new Error(`${key} does not come to ${selector}: ${way.join(', ')}`);
}

/** Tabs once through the page, from the top: what is never come to, and what is come to unseen. */
export async function tabThrough(page: Page): Promise<Record<'missed' | 'unseen', readonly string[]>> {
  for (let most = await page.evaluate<number>(WATCH); most > 0; most--) await page.keyboard.press('Tab');
  return page.evaluate(`(() => { ${CALLED}
    const { left, unseen } = window.tabStops;
    return { missed: [...left].map(called), unseen: unseen.map(called) };
  })()`);
}
