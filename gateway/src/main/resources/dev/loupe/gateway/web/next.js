// The likeliest tokens after one of the prompt's.
import { el } from './dom.js';
import { number, percent, visible } from './text.js';

/**
 * Shows predictions.
 * @param follows id of the token that the prompt goes on with; null after its last
 */
export function showNext(container, predictions, follows) {
  container.replaceChildren(
    ...predictions.map((prediction) =>
      el('li', {
        className: prediction.id === follows ? 'follows' : '',
        vars: { share: prediction.probability },
        title: `token ${prediction.id}, logit ${number(prediction.logit)}` +
          (prediction.id === follows ? '\nthe prompt goes on with it' : ''),
      },
        el('span', { className: 'token', textContent: visible(prediction.token) }),
        el('span', { className: 'bar', ariaHidden: 'true' }),
        el('span', { className: 'value', textContent: percent(prediction.probability) }))),
  );
}
