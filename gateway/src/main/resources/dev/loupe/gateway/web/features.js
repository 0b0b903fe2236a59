// The features that fire on one token.
import { el } from './dom.js';
import { pieces, wholeOf } from './pieces.js';
import { id, number, visible } from './text.js';

const FEW = 8;

/**
 * Shows features.
 * @param most the largest activation in the prompt, for the bars
 * @param peaks for a feature without a label: the tokens on which it fires most, by its name
 * @param onPick called with the name of the feature that was picked, and the event
 */
export function showFeatures(container, features, most, selected, peaks, onPick) {
  const items = features.map((feature, index) => {
    const label = feature.labels[0];
    const on = peaks.get(feature.name);
    const text = label?.text ?? (on ? `mostly on ${on.join('  ')}` : 'no label yet');
    return el('li', { hidden: index >= FEW },
      el('button', {
        type: 'button',
        className: 'feature',
        vars: { share: most > 0 ? feature.activation / most : 0 },
        ariaPressed: String(feature.name === selected),
        data: { name: feature.name },
        onclick: (event) => onPick(feature.name, event),
      },
      el('span', { className: label ? 'label' : 'label none', textContent: text }),
      el('span', { className: 'number', textContent: `#${id(feature.name)}` }),
      el('span', { className: 'value', textContent: number(feature.activation) }),
      el('span', { className: 'bar', ariaHidden: 'true' })));
  });
  const list = el('ol', { className: 'features' }, ...items);
  const rest = features.length - FEW;
  const more = rest > 0
    ? el('button', {
      type: 'button',
      className: 'quiet',
      textContent: `Show ${rest} weaker`,
      onclick: (event) => {
        items.forEach((item) => { item.hidden = false; });
        event.target.remove();
      },
    })
    : null;
  container.replaceChildren(...[list, more].filter(Boolean));
}

/** The tokens on which a feature fires most, the commonest first, as they are shown. */
export function peakTokens(feature) {
  const times = new Map();
  for (const example of feature.examples) {
    const shown = pieces(example.tokens, example.text, example.byteEnds ?? []);
    const token = visible(wholeOf(shown, example.peak));
    times.set(token, (times.get(token) ?? 0) + 1);
  }
  return [...times.keys()].sort((a, b) => times.get(b) - times.get(a)).slice(0, 4);
}

/** How many features are shown before one asks for more. */
export const shownAtFirst = (features) => features.slice(0, FEW);

/** Marks the selected feature. */
export function markFeature(container, name) {
  container.querySelectorAll('button.feature').forEach((button) => {
    button.setAttribute('aria-pressed', String(button.dataset.name === name));
  });
}
