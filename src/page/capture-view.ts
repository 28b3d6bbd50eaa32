import { html, type Html } from './html.js';
import type { CaptureReply } from './protocol.js';

/** So many packets have a row. */
const ROWS = 500;

/** What became of the packets of a capture: how many met which end, and a row for each. */
export function captureView({ packets, total, summary, skipped }: CaptureReply): Html {
  const rows = packets.slice(0, ROWS);
  const notes = [
    ...(packets.length < total ? [`the first ${packets.length} of ${total} packets are judged`] : []),
    ...(skipped > 0 ? [`${skipped} records are no packets`] : []),
    ...(rows.length < packets.length ? [`the first ${rows.length} have a row`] : []),
  ];
  return html`<p>
      ${packets.length} packets:
      ${summary.map(
        ({ end, count, changed }, at) =>
          html`${at > 0 && ', '}${count} ${end}${changed > 0 && ` (${changed} changed)`}`,
      )}
    </p>
    ${notes.length > 0 && html`<p class="soft">${notes.join('; ')}</p>`}
    <div class="scroll" tabindex="0" role="group" aria-label="Packets of the capture">
      <table>
        <thead>
          <tr>
            <th scope="col" class="number">no.</th>
            <th scope="col">end</th>
            <th scope="col">packet</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ packet, end, tone, before }, at) =>
              html`<tr>
                <td class="number">${at + 1}</td>
                <td class="${tone}">${end}${before !== undefined && ` (before: ${before})`}</td>
                <td>
                  <button type="button" data-packet="${packet}" title="follow it">
                    <code>${shortened(packet)}</code>
                  </button>
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

const SHOWN = 120;

const shortened = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
