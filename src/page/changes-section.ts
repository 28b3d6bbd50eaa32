import type { ChainChanges, PacketChange, ReplayedPacket } from '../diff/packets.js';
import type { RulesetChanges } from '../diff/rulesets.js';
import { decidingText } from '../space/deciding.js';
import { boxText } from '../space/describe.js';
import { flowsText } from '../space/flows.js';
import { html, type Html } from './html.js';
import { patchView } from './patch-view.js';

/** What is different in another dump. */
export interface Changes extends RulesetChanges {
  readonly file: string;
}

/** Regions of packets that meet another verdict, then the rules. */
export function changesSection(changes: Changes, own: string): Html {
  const { file, patch } = changes;
  return html`<section aria-labelledby="changes">
    <h2 id="changes">Changes</h2>
    <p class="soft">From ${own} to ${file}.</p>
    ${
      patch === ''
        ? html`<p>${file} has the same rules.</p>`
        : html`${changedPackets(changes, own)}
            <h3>Rules</h3>
            ${patchView(patch)}`
    }
  </section>`;
}

/** Regions of packets that meet another verdict. A button `data-packet` holds a packet to follow. */
export function changedPackets({ file, chains, failures }: Omit<Changes, 'patch'>, own: string): Html {
  const changed = chains.filter(({ changes, omitted }) => changes.length + omitted > 0);
  return html`${changed.map((chain) => chainPart(chain, own, file))}
  ${changed.length === 0 && failures.length === 0 && html`<p>No packet is judged otherwise; the rules read differently.</p>`}
  ${failures.map((failure) => html`<p class="bad">Not compared: ${failure}.</p>`)}`;
}

function chainPart({ table, chain, changes, omitted }: ChainChanges, own: string, file: string): Html {
  return html`<h3>Table ${table}, chain ${chain}: packets that are judged otherwise</h3>
    <div class="scroll" tabindex="0" role="region" aria-label="Changed packets of chain ${chain}">
      <table class="regions">
        <thead>
          <tr>
            <th scope="col">Verdict</th>
            <th scope="col">Packets</th>
            <th scope="col">Decided by</th>
            <th scope="col">Example</th>
          </tr>
        </thead>
        <tbody>
          ${changes.map((change) => changeRow(change, own, file))}
        </tbody>
      </table>
    </div>
    ${omitted > 0 && html`<p>And ${omitted} more pairs of rules.</p>`}`;
}

function changeRow({ before, after, rectangles, more, flows, example }: PacketChange, own: string, file: string): Html {
  return html`<tr>
    <td>
      ${verdictMark(before.verdict)} → ${verdictMark(after.verdict)}
      <div class="soft">${flowsText(flows)}</div>
    </td>
    <td>
      <ul>
        ${rectangles.map((sides) => html`<li>${boxText(sides)}</li>`)} ${more && html`<li>and more</li>`}
      </ul>
    </td>
    <td>
      <p>Before: ${decidingText(before, own)}</p>
      <p>After: ${decidingText(after, file)}</p>
    </td>
    <td>
      ${
        example === undefined
          ? 'none found'
          : html`<code>${example.text}</code>
              ${example.inputs.length > 0 && html`<span class="soft">[${boxText(example.inputs)}]</span>`}
              ${!example.confirmed && html`<p class="bad">Not confirmed: the reference says ${example.before}, ${example.after}.</p>`}
              <button type="button" data-packet="${example.text + stateOf(example)}">Follow</button>`
      }
    </td>
  </tr>`;
}

/** The state that an example assumes, in the words of the explorer. */
function stateOf({ inputs }: ReplayedPacket): string {
  const state = inputs.find(({ field }) => field === 'state');
  return state === undefined ? '' : ` state ${state.values.join(',')}`;
}

function verdictMark(verdict: string): Html {
  return html`<span class="verdict ${verdict === 'accept' ? 'good' : 'bad'}">${verdict.toUpperCase()}</span>`;
}
