// The logit lens: a row for each layer, the last one on top, a column for each position of a stretch of the prompt.
import { el, roving } from './dom.js';
import { percent, visible } from './text.js';
import { attachTip } from './tip.js';

/** Kept free around what is scrolled to. */
const MARGIN = 4;

/** Positions that are shown at once. */
export const LENS_POSITIONS = 40;

/** The positions to show so that one of them is seen, with more before it than after. */
export function lensPositions(picked, tokens) {
  const first = Math.max(0, Math.min(picked - Math.floor(LENS_POSITIONS * 3 / 4), tokens - LENS_POSITIONS));
  const last = Math.min(tokens, first + LENS_POSITIONS);
  return Array.from({ length: last - first }, (_, i) => first + i);
}

/** Says which part of the prompt is shown, where it is not all of it. */
export function lensHint(positions, tokens) {
  const surer = 'darker is surer';
  return positions.length === tokens
    ? `what the model would say if it stopped after each layer; ${surer}`
    : `after tokens ${positions[0] + 1} to ${positions[positions.length - 1] + 1} of ${tokens}; pick another token to move there; ${surer}`;
}

/** @param tokens what each token of the prompt shows */
export function showLens(container, lens, tokens, onPick) {
  const positions = lens.layers[0].positions.map((at) => at.position ?? 0);
  const cells = [];
  const rows = [...lens.layers].reverse().map((layer) =>
    el('tr', {},
      el('th', { scope: 'row', textContent: layerName(layer.hookPoint), title: layer.hookPoint }),
      ...layer.positions.map((at) => {
        const best = at.top[0];
        const cell = el('td', {
          vars: { heat: best.probability.toFixed(3) },
          className: best.probability > 0.8 ? 'sure' : '',
          textContent: visible(best.token),
          ariaLabel: `${layerName(layer.hookPoint)}, after ${visible(tokens[at.position])}: ` +
            `${visible(best.token)}, ${percent(best.probability)}`,
          onclick: () => onPick(at.position),
        });
        attachTip(cell, () => tip(layer, at, tokens));
        cells.push(cell);
        return cell;
      })));
  const head = el('tr', {},
    el('th', { scope: 'col', textContent: 'after' }),
    ...positions.map((position) =>
      el('th', { scope: 'col', textContent: visible(tokens[position]), data: { position } })));
  const table = el('table', {}, el('tbody', {}, ...rows), el('tfoot', {}, head));
  container.replaceChildren(table);
  roving(table, cells, positions.length);
  container.onscroll = () => markClipped(container);
  new ResizeObserver(() => markClipped(container)).observe(table);
  markClipped(container);
}

/** Marks the sides at which more of the lens lies than is seen. */
function markClipped(container) {
  const hidden = container.scrollWidth - container.clientWidth - container.scrollLeft;
  container.classList.toggle('more-left', container.scrollLeft > 1);
  container.classList.toggle('more-right', hidden > 1);
}

/** Marks the column of a position and scrolls the lens, and nothing else, until it is seen. */
export function markLens(container, position) {
  container.querySelectorAll('tfoot th[data-position]').forEach((th) => {
    const picked = Number(th.dataset.position) === position;
    th.classList.toggle('picked', picked);
    if (picked) {
      // The names of the layers stay at the left, above what is scrolled.
      const names = container.querySelector('tbody th').getBoundingClientRect();
      const column = th.getBoundingClientRect();
      const beyond = column.right - container.getBoundingClientRect().right;
      container.scrollLeft += beyond > 0 ? beyond + MARGIN : Math.min(0, column.left - names.right - MARGIN);
    }
  });
}

function layerName(hookPoint) {
  const match = /^blocks\.(\d+)\.hook_resid_(pre|post)$/.exec(hookPoint);
  if (!match) {
    return hookPoint;
  }
  return match[2] === 'pre' ? 'embedding' : `layer ${match[1]}`;
}

function tip(layer, at, tokens) {
  return [
    el('p', { className: 'where', textContent: `${layerName(layer.hookPoint)}, after ${visible(tokens[at.position])}` }),
    el('ol', { className: 'next small' },
      ...at.top.map((score) =>
        el('li', { vars: { share: score.probability } },
          el('span', { className: 'token', textContent: visible(score.token) }),
          el('span', { className: 'bar' }),
          el('span', { className: 'value', textContent: percent(score.probability) })))),
  ];
}
