import { isBuiltin } from '../../grammar/model/ruleset.js';
import type { ChainGraph, ChainNode } from './chain-graph.js';
import { html, type Html } from './html.js';
import { chainId } from './places.js';

/** A box of the drawing: one chain, or many alike that one chain leads to and that lead nowhere. */
interface Box {
  readonly names: readonly string[];
  readonly layer: number;
  readonly label: string;
  readonly note: string;
}

interface Placed extends Box {
  readonly x: number;
  readonly y: number;
}

const CHARACTER = 7.3;
const HEIGHT = 40;
const GAP_X = 90;
const GAP_Y = 14;
const MARGIN = 12;
/** More chains than this that are alike make one box. */
const ALIKE = 6;
const LABEL = 28;

/** The chains of a table as boxes from left to right, their jumps as lines; each box leads to its chain in the page. */
export function drawGraph(table: string, graph: ChainGraph): Html {
  const placed = place(boxesOf(graph));
  const at = new Map(placed.flatMap((box) => box.names.map((name) => [name, box] as const)));
  const widths = layerWidths(placed);
  const width = Math.max(...placed.map((box) => box.x + (widths[box.layer] ?? 0))) + MARGIN;
  const height = Math.max(...placed.map((box) => box.y + HEIGHT)) + MARGIN;
  const lines = new Set<string>();
  for (const { chain, callees } of graph.values()) {
    const from = at.get(chain.name);
    for (const callee of callees) {
      const to = at.get(callee);
      if (from !== undefined && to !== undefined) lines.add(line(from, to, widths[from.layer] ?? 0));
    }
  }
  return html`<div class="graph" tabindex="0" role="group" aria-label="Chains of table ${table} and their jumps">
    <svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
      <g aria-hidden="true">${[...lines].map((path) => html`<path d="${path}" />`)}</g>
      ${placed.map((box) => drawBox(table, box, widths[box.layer] ?? 0))}
    </svg>
  </div>`;
}

function boxesOf(graph: ChainGraph): readonly Box[] {
  const alike = new Map<string, ChainNode[]>();
  const boxes: Box[] = [];
  const deepest = Math.max(0, ...[...graph.values()].map(({ depth }) => depth ?? 0));
  for (const node of graph.values()) {
    const from = new Set(node.callers.map(({ chain }) => chain));
    const [only] = from;
    const plain = !isBuiltin(node.chain) && node.callees.length === 0;
    if (plain && (from.size === 1 || node.depth === undefined)) {
      const key = node.depth === undefined ? '' : only;
      const group = alike.get(key);
      if (group === undefined) alike.set(key, [node]);
      else group.push(node);
    } else boxes.push(boxOf(node, deepest));
  }
  for (const [from, nodes] of alike) {
    if (nodes.length <= ALIKE) boxes.push(...nodes.map((node) => boxOf(node, deepest)));
    else boxes.push(boxOfMany(from, nodes, deepest));
  }
  return boxes;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Chains that no packet comes to stand in a column of their own at the right. */
const layerOf = ({ depth }: ChainNode, deepest: number): number => depth ?? deepest + 1;

function boxOf(node: ChainNode, deepest: number): Box {
  const { name, policy, rules } = node.chain;
  const notes = [counted(rules.length, 'rule')];
  if (policy !== undefined) notes.push(`policy ${policy}`);
  if (node.depth === undefined) notes.push('never reached');
  const label = name.length > LABEL ? `${name.slice(0, LABEL - 1)}…` : name;
  return { names: [name], layer: layerOf(node, deepest), label, note: notes.join(', ') };
}

function boxOfMany(from: string, nodes: readonly ChainNode[], deepest: number): Box {
  const rules = nodes.reduce((sum, { chain }) => sum + chain.rules.length, 0);
  const names = nodes.map(({ chain }) => chain.name);
  const note = from === '' ? `${counted(rules, 'rule')}, never reached` : `${counted(rules, 'rule')} together`;
  return { names, layer: layerOf(nodes[0], deepest), label: `${nodes.length} chains`, note };
}

function layerWidths(boxes: readonly Box[]): readonly number[] {
  const widths: number[] = [];
  for (const { layer, label, note } of boxes) {
    const width = Math.max(label.length, note.length * 0.86) * CHARACTER + 20;
    widths[layer] = Math.max(widths[layer] ?? 0, Math.ceil(width));
  }
  return widths;
}

function place(boxes: readonly Box[]): readonly Placed[] {
  const widths = layerWidths(boxes);
  const filled: number[] = [];
  return [...boxes]
    .sort((a, b) => a.layer - b.layer)
    .map((box) => {
      const before = widths.slice(0, box.layer).reduce((sum, width) => sum + (width ?? 0) + GAP_X, 0);
      const row = filled[box.layer] ?? 0;
      filled[box.layer] = row + 1;
      return { ...box, x: MARGIN + before, y: MARGIN + row * (HEIGHT + GAP_Y) };
    });
}

function line(from: Placed, to: Placed, width: number): string {
  const [x1, y1] = [from.x + width, from.y + HEIGHT / 2];
  const [x2, y2] = [to.x, to.y + HEIGHT / 2];
  const bend = GAP_X / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function drawBox(table: string, { names, label, note, x, y }: Placed, width: number): Html {
  const [first] = names;
  const said = names.length === 1 ? `chain ${first}, ${note}` : `${label}, the first is ${first}, ${note}`;
  return html`<a href="#${chainId(table, first)}" aria-label="${said}" data-chain="${names.join(' ')}">
    <rect x="${x}" y="${y}" width="${width}" height="${HEIGHT}" rx="6" />
    <text x="${x + 10}" y="${y + 17}">${label}</text>
    <text class="note" x="${x + 10}" y="${y + 32}">${note}</text>
  </a>`;
}
