// The logit lens: a row for each layer, the last one on top, a column for each position.
import { el, roving } from './dom.js';
import { percent, visible } from './text.js';
import { attachTip } from './tip.js';

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
  // What matters most is at the right: the prediction after the last token.
  container.scrollLeft = container.scrollWidth;
}

/** Marks the column of a position. */
export function markLens(container, position) {
  container.querySelectorAll('tfoot th[data-position]').forEach((th) => {
    th.classList.toggle('picked', Number(th.dataset.position) === position);
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
