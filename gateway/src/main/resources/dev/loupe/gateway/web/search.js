// Finds features by the words of their labels, tokens and examples.
import * as api from './api.js';
import { el } from './dom.js';
import { peakTokens } from './features.js';
import { id } from './text.js';

/** A field in which one searches, and what was found. */
export class Search {
  #field;
  #found;
  #onPick;
  #dictionary = null;
  #searched = 0;
  #typing = 0;

  /** @param onPick called with the name of a feature that was picked, and the event */
  constructor(field, found, onPick) {
    this.#field = field;
    this.#found = found;
    this.#onPick = onPick;
    field.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.find(), 250);
    });
  }

  /** Searches another dictionary from now on. */
  in(dictionary) {
    if (dictionary !== this.#dictionary) {
      this.#dictionary = dictionary;
      this.find();
    }
  }

  async find() {
    const query = this.#field.value.trim();
    const searched = ++this.#searched;
    if (query === '' || !this.#dictionary) {
      this.#found.replaceChildren();
      return;
    }
    const dictionary = this.#dictionary;
    const answer = await api.searchFeatures(dictionary, query).catch((error) => ({ error }));
    const features = (answer.matches ?? []).map((match) => match.feature);
    const peaks = await this.#peaks(dictionary, features.filter((feature) => feature.labels.length === 0));
    if (searched !== this.#searched) {
      return;
    }
    this.#found.replaceChildren(
      ...(features.length > 0
        ? features.map((feature) => this.#hit(feature, peaks))
        : [el('p', { className: 'empty', textContent: answer.error?.message ?? 'No feature has these words.' })]));
  }

  /** For features without a label, the tokens on which they fire most. */
  async #peaks(dictionary, features) {
    if (features.length === 0) {
      return new Map();
    }
    const stored = await api.batchGetFeatures(dictionary, features.map((f) => id(f.name))).catch(() => null);
    return new Map((stored?.features ?? []).map((feature) => [feature.name, peakTokens(feature)]));
  }

  #hit(feature, peaks) {
    const on = peaks.get(feature.name) ?? [];
    const says = feature.labels[0]?.text ?? (on.length > 0 ? `mostly on ${on.join('  ')}` : 'no label yet');
    return el('button', {
      type: 'button',
      className: 'quiet hit',
      textContent: `#${id(feature.name)} ${says}`,
      data: { name: feature.name },
      onclick: (event) => this.#onPick(feature.name, event),
    });
  }
}
