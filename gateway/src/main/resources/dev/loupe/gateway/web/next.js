// The likeliest next tokens.
import { el } from './dom.js';
import { number, percent, visible } from './text.js';

export function showNext(container, predictions) {
  container.replaceChildren(
    ...predictions.map((prediction) =>
      el('li', { vars: { share: prediction.probability }, title: `logit ${number(prediction.logit)}` },
        el('span', { className: 'token', textContent: visible(prediction.token) }),
        el('span', { className: 'bar', ariaHidden: 'true' }),
        el('span', { className: 'value', textContent: percent(prediction.probability) }))),
  );
}
