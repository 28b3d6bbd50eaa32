import { findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import { html, type Html } from './html.js';

const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const;

const SAMPLES = {
  v4: 'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0',
  v6: 'tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN in eth0',
} as const;

/** Forms that work as soon as the engine has started; the script makes them live. */
export function explorerSection(ruleset: Ruleset, text: string): Html {
  const chains = chainsOf(ruleset);
  const lines = text.trimEnd().split('\n').length;
  return html`<noscript><p>The explorer needs JavaScript; the rest of the page does not.</p></noscript>
    <form id="packet-form" class="panel" aria-labelledby="packet-title">
      <h3 id="packet-title">Follow a packet</h3>
      <div class="fields">
        <label class="wide"
          >Packet
          <input
            id="packet"
            class="code"
            value="${SAMPLES[ruleset.family]}"
            spellcheck="false"
            autocomplete="off"
            aria-describedby="packet-help packet-error"
        /></label>
        <label
          >Chain
          <select id="packet-chain">
            <option value="">by its interfaces</option>
            ${chains.map((chain) => html`<option>${chain}</option>`)}
          </select></label
        >
        <button type="submit">Follow</button>
      </div>
      <p id="packet-help" class="soft">
        Protocol, source, <code>&gt;</code>, destination, then words: <code>SYN</code>, <code>in eth0</code>,
        <code>out eth1</code>, <code>state NEW</code>, <code>ttl 64</code>, <code>len 100</code> … as
        <code>ipt2bpf explain</code> takes them.
      </p>
      <p id="packet-error" class="bad" role="alert"></p>
      <p id="packet-state" class="soft" role="status"></p>
      <div id="answer" aria-live="polite"></div>
    </form>
    <form id="capture-form" class="panel" aria-labelledby="capture-title">
      <h3 id="capture-title">Judge a capture</h3>
      <div class="fields">
        <label
          >pcap or pcapng file (or drop it anywhere on the page)
          <input id="capture" type="file" accept=".pcap,.pcapng,.cap"
        /></label>
        <label
          >Chain
          <select id="capture-chain">
            ${chains.map((chain) => html`<option>${chain}</option>`)}
          </select></label
        >
        <label>Arrives at <input id="capture-in" value="eth0" size="10" /></label>
        <label>Leaves by <input id="capture-out" value="" size="10" /></label>
        <label
          >Connection
          <select id="capture-state">
            <option value="">not known</option>
            ${STATES.map((state) => html`<option>${state}</option>`)}
          </select></label
        >
      </div>
      <p id="capture-wait" class="soft" role="status"></p>
      <div id="capture-result" aria-live="polite"></div>
    </form>
    <form id="edit-form" class="panel" aria-labelledby="edit-title">
      <h3 id="edit-title">Try other rules</h3>
      <label
        >The dump: edit it, or paste another one
        <textarea
          id="dump"
          spellcheck="false"
          autocomplete="off"
          placeholder="${lines} lines, which are shown here as soon as you enter the field"
          aria-describedby="edit-state"
        ></textarea>
      </label>
      <div class="fields"><button type="reset" id="edit-reset">Back to the rules of the report</button></div>
      <p id="edit-state" role="status"></p>
      <div id="edit-result"></div>
      <p id="compare-state" class="soft" role="status"></p>
      <div id="compare-result"></div>
    </form>`;
}

/** Chains of a table that packets in words may meet. */
function chainsOf(ruleset: Ruleset): readonly string[] {
  const filter = findTable(ruleset, 'filter') === undefined ? [] : ['INPUT', 'FORWARD', 'OUTPUT'];
  return findTable(ruleset, 'raw') === undefined ? filter : [...filter, 'PREROUTING'];
}
