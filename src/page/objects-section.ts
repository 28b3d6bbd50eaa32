import type { ObjectFigures } from '../report/object-figures.js';
import { html, type Html } from './html.js';

/** The decision structures of the objects: each chain by stretches, which are judged rule by rule or looked up. */
export function objectsSection(objects: readonly ObjectFigures[]): Html {
  if (objects.length === 0) return html`<p>No hook takes a chain of this dump exactly.</p>`;
  return html`<p class="soft">
      How the object of each chain decides, at the first hook that takes it exactly. Costs are expected, not measured.
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Figures of the decision structures">
      <table>
        <thead>
          <tr>
            <th scope="col">Object</th>
            <th scope="col">Chain</th>
            <th scope="col">Judged</th>
            <th scope="col" class="number">Rules</th>
            <th scope="col" class="number">Code, bytes</th>
            <th scope="col" class="number">Table, bytes</th>
            <th scope="col" class="number">Branches deep</th>
            <th scope="col" class="number">Cost, ns</th>
          </tr>
        </thead>
        <tbody>
          ${objects.flatMap(rows)}
        </tbody>
      </table>
    </div>`;
}

function rows({ hook, table, chain, bytes, plans }: ObjectFigures): readonly Html[] {
  const stretches = plans.flatMap((plan) => plan.stretches.map((stretch) => ({ name: plan.chain, stretch })));
  return stretches.map(
    ({ name, stretch }, at) =>
      html`<tr>
        <td>${at === 0 && `${table} ${chain} at ${hook}: ${bytes} bytes`}</td>
        <td>${name}</td>
        <td>
          ${stretch.engine === 'dag' ? `${stretch.diagrams} ${stretch.diagrams === 1 ? 'diagram' : 'diagrams'}` : 'rule by rule'}
        </td>
        <td class="number">${stretch.rules}</td>
        <td class="number">${stretch.codeBytes}</td>
        <td class="number">${stretch.tableBytes}</td>
        <td class="number">${stretch.engine === 'dag' ? stretch.depth : '–'}</td>
        <td class="number">${Math.max(1, Math.round(stretch.nanoseconds))}</td>
      </tr>`,
  );
}
