// The features that fire on one token.
import { el } from './dom.js';
import { id, number } from './text.js';

const FEW = 10;

/**
 * Shows features.
 * @param most the largest activation in the prompt, for the bars
 * @param onPick called with the name of the feature that was picked
 */
export function showFeatures(container, features, most, selected, onPick) {
  const items = features.map((feature, index) => {
    const label = feature.labels[0];
    return el('li', { hidden: index >= FEW },
      el('button', {
        type: 'button',
        className: 'feature',
        vars: { share: most > 0 ? feature.activation / most : 0 },
        ariaPressed: String(feature.name === selected),
        data: { name: feature.name },
        onclick: () => onPick(feature.name),
      },
      el('span', { className: label ? 'label' : 'label none', textContent: label?.text ?? 'no label yet' }),
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

/** Marks the selected feature. */
export function markFeature(container, name) {
  container.querySelectorAll('button.feature').forEach((button) => {
    button.setAttribute('aria-pressed', String(button.dataset.name === name));
  });
}
