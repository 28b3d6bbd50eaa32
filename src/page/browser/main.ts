import type { CtState } from '../../../grammar/model/condition.js';
import type { BuiltinChain } from '../../../grammar/model/family.js';
import type { Answer } from '../answer.js';
import { answerView } from '../answer-view.js';
import { captureView } from '../capture-view.js';
import { html } from '../html.js';
import { patchView } from '../patch-view.js';
import { ruleId } from '../places.js';
import type { DumpText, EditReply, Reply } from '../protocol.js';
import { element, input, part, select } from './elements.js';
import { Comparer } from './comparer.js';
import { EngineClient } from './engine-client.js';
import { Waiting } from './waiting.js';

/** So many characters are in the field at once; the lines of a longer dump take the browser longer than all else of the page. */
const SHOWN_AT_ONCE = 100_000;

/** Milliseconds without a key before an edited dump is read. */
const PAUSE = 300;

const dumpField = element('dump', HTMLTextAreaElement);
const original = JSON.parse(part('report-dump').textContent ?? '') as DumpText;
const source = part('engine').textContent ?? '';
const engine = new EngineClient(source);
const comparer = new Comparer(source, original);
const packetState = new Waiting(part('packet-state'));
const captureState = new Waiting(part('capture-wait'));
let rulesRead = false;
let asked = false;
void ask(engine.ask({ kind: 'base', dump: original })).then(() => {
  rulesRead = true;
  performance.mark('rules-read');
  // Nobody reads this answer: the first that is asked for comes as fast as those behind it.
  if (!asked) void ask(engine.ask({ kind: 'packet', packet: input('packet').defaultValue }));
});

if (original.text.length <= SHOWN_AT_ONCE) fillDump();
else dumpField.addEventListener('focus', fillDump, { once: true });

function fillDump(): void {
  dumpField.defaultValue = original.text;
}

/** A failure of the engine is shown where the reader looks, not lost in a console. */
async function ask(question: Promise<Reply>): Promise<Reply> {
  try {
    return await question;
  } catch (error) {
    return { kind: 'refused', message: error instanceof Error ? error.message : String(error) };
  }
}

/** Why an answer may take a moment. */
function reason(): string {
  return rulesRead ? 'Asking the rules …' : 'Reading the rules: the answer comes as soon as they are read …';
}

async function follow(): Promise<void> {
  asked = true;
  const chain = select('packet-chain').value;
  const field = input('packet');
  const question = { packet: field.value, ...(chain === '' ? {} : { chain: chain as BuiltinChain }) };
  const reply = await packetState.for(ask(engine.ask({ kind: 'packet', ...question })), reason());
  const refused = reply.kind === 'refused';
  part('packet-error').textContent = refused ? reply.message : '';
  field.setAttribute('aria-invalid', String(refused));
  if (refused) {
    part('answer').replaceChildren();
    markWay(undefined);
    if (reply.column !== undefined) {
      const from = reply.column - 1;
      field.focus();
      field.setSelectionRange(from, from + (reply.length ?? 0));
    }
  } else if (reply.kind === 'packet') {
    part('answer').innerHTML = answerView(reply.answer, reply.before).html;
    markWay(reply.answer);
  }
}

/** Marks the rules that matched, and the boxes of the chains that the packet came through. */
function markWay(answer: Answer | undefined): void {
  for (const marked of document.querySelectorAll('.on-way')) marked.classList.remove('on-way');
  if (answer?.kind !== 'judged') return;
  for (const rule of answer.matched) document.getElementById(ruleId(answer.table, rule))?.classList.add('on-way');
  const chains = new Set(answer.chains);
  const section = document.getElementById(`table.${answer.table}`)?.parentElement;
  for (const box of section?.querySelectorAll<SVGElement>('.graph a') ?? []) {
    const names = box.dataset.chain?.split(' ') ?? [];
    if (names.some((name) => chains.has(name))) box.classList.add('on-way');
  }
}

let captured: Uint8Array | undefined;

async function judge(): Promise<void> {
  if (captured === undefined) return;
  const state = select('capture-state').value;
  const place = {
    chain: select('capture-chain').value as BuiltinChain,
    inInterface: input('capture-in').value,
    outInterface: input('capture-out').value,
    ...(state === '' ? {} : { state: state as CtState }),
  };
  const reply = await captureState.for(ask(engine.ask({ kind: 'capture', bytes: captured, place })), reason());
  const result = part('capture-result');
  if (reply.kind === 'capture') result.innerHTML = captureView(reply).html;
  else if (reply.kind === 'refused') result.innerHTML = html`<p class="bad">${reply.message}</p>`.html;
}

async function take(file: File | undefined): Promise<void> {
  if (file === undefined) return;
  captured = new Uint8Array(await file.arrayBuffer());
  await judge();
}

async function edit(): Promise<void> {
  const reply = await ask(engine.ask({ kind: 'edit', text: dumpField.value }));
  if (reply.kind === 'refused') part('edit-state').textContent = reply.message;
  if (reply.kind !== 'edit') return;
  showEdit(reply);
  void compare(reply);
  if (part('answer').childElementCount > 0) await follow();
  await judge();
}

/** Tells the packets that the edited rules judge otherwise; what is shown of others goes at once. */
async function compare({ usable, patch }: EditReply): Promise<void> {
  comparer.stop();
  const [state, result] = [part('compare-state'), part('compare-result')];
  result.replaceChildren();
  state.textContent = '';
  if (!usable || patch === '') return;
  state.textContent = 'Comparing all packets …';
  const reply = await ask(comparer.compare(dumpField.value));
  state.textContent = reply.kind === 'refused' ? `Not compared: ${reply.message}.` : 'Compared for all packets.';
  if (reply.kind === 'compare') result.innerHTML = reply.packets ?? '';
}

function showEdit({ diagnostics, usable, patch, sections }: EditReply): void {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const changed = patch === '' ? 'The rules are those of the report.' : 'These rules are asked now.';
  part('edit-state').textContent = usable ? changed : `${errors} errors: the rules before are asked.`;
  const list = diagnostics.map(
    ({ line, severity, text }) =>
      html`<li class="${severity === 'error' ? 'bad' : 'half'}">
        <button type="button" data-line="${line}">line ${line}</button> <code>${text}</code>
      </li>`,
  );
  const shown =
    list.length === 0
      ? undefined
      : html`<ul>
          ${list}
        </ul>`;
  part('edit-result').innerHTML = html`${shown}${patch !== '' && patchView(patch)}`.html;
  if (sections === undefined) return;
  chainsOfReport ??= part('chains-part').innerHTML;
  part('chains-part').innerHTML = patch === '' ? chainsOfReport : sections.chains;
  part('translation-part').innerHTML = sections.translation;
}

/** With counters, which an edited dump has none of; kept from the first edit on. */
let chainsOfReport: string | undefined;

/** Puts the cursor on a line of the dump. */
function showLine(line: number): void {
  const lines = dumpField.value.split('\n');
  const from = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  dumpField.focus();
  dumpField.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
  dumpField.scrollTop = (dumpField.scrollHeight * (line - 4)) / lines.length;
}

function submitted(id: string, act: () => Promise<void>): void {
  element(id, HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    void act();
  });
}

/** Buttons `data-packet`, wherever they stand, put their packet into the explorer. */
document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>('button[data-packet]') : null;
  if (button === null) return;
  input('packet').value = button.dataset.packet ?? '';
  // A changed packet is followed in the dump that is shown: that of the report, or the one that is edited.
  select('packet-chain').value = button.closest('#capture-result') === null ? '' : select('capture-chain').value;
  input('packet').focus();
  void follow();
});

submitted('packet-form', follow);
submitted('capture-form', judge);
submitted('edit-form', edit);
input('capture').addEventListener('change', () => void take(input('capture').files?.[0]));
for (const id of ['capture-chain', 'capture-in', 'capture-out', 'capture-state']) {
  part(id).addEventListener('change', () => void judge());
}
let pause: ReturnType<typeof setTimeout> | undefined;
dumpField.addEventListener('input', () => {
  clearTimeout(pause);
  pause = setTimeout(() => void edit(), PAUSE);
});
element('edit-form', HTMLFormElement).addEventListener('reset', () => setTimeout(() => void edit()));
part('edit-result').addEventListener('click', ({ target }) => {
  const line = target instanceof HTMLElement ? target.dataset.line : undefined;
  if (line !== undefined) showLine(Number(line));
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
document.addEventListener('dragleave', () => document.body.classList.remove('dropping'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  void take(event.dataTransfer?.files[0]);
});
