// What one chooses: a model, one of its dictionaries, and prompts to try.
import { el } from './dom.js';
import { dictionaryNames } from './names.js';
import { count, id } from './text.js';

/** The two selects with the line of facts below them. */
export class Choices {
  #models = [];
  #dictionaries = [];

  constructor(model, dictionary, facts) {
    this.modelSelect = model;
    this.dictionarySelect = dictionary;
    this.facts = facts;
  }

  /** True once there is something to choose. */
  get ready() {
    return this.#models.length > 0;
  }

  get model() {
    return this.#models.find((model) => model.name === this.modelSelect.value);
  }

  /** Name of the chosen dictionary; empty when the model has none. */
  get dictionary() {
    return this.dictionarySelect.value;
  }

  offer(models, dictionaries) {
    this.#models = models;
    this.#dictionaries = dictionaries;
    this.modelSelect.replaceChildren(
      ...models.map((model) => el('option', { value: model.name, textContent: id(model.name) })));
    this.modelSelect.disabled = false;
  }

  /** Chooses by names; what does not exist is passed over. */
  choose(model, dictionary) {
    select(this.modelSelect, model);
    this.offerDictionaries(dictionary);
  }

  /** Offers the dictionaries of the chosen model: by its name, or by its weights under another one. */
  offerDictionaries(wanted) {
    const { name, weightsSha256 } = this.model ?? {};
    const fitting = this.#dictionaries.filter(
      (dictionary) =>
        dictionary.model === name ||
        (dictionary.modelWeightsSha256 && dictionary.modelWeightsSha256 === weightsSha256));
    const names = dictionaryNames(fitting);
    this.dictionarySelect.disabled = fitting.length === 0;
    this.dictionarySelect.replaceChildren(
      ...(fitting.length > 0
        ? fitting.map((d, i) => el('option', { value: d.name, textContent: names[i], title: d.name }))
        : [el('option', { value: '', textContent: 'none trained yet' })]));
    select(this.dictionarySelect, wanted);
    this.showFacts();
  }

  showFacts() {
    const { layers, heads, parameters } = this.model;
    const parts = [`${layers} layers, ${heads} heads, ${count(parameters)} parameters`, this.dictionary];
    this.facts.textContent = parts.filter(Boolean).join(' · ');
    this.facts.hidden = false;
  }

  /** The dictionary that a feature's name says it belongs to. */
  dictionaryOf(feature) {
    return this.#dictionaries.find((dictionary) => feature.startsWith(`${dictionary.name}/features/`));
  }
}

/** Offers prompts to try. */
export function offerTries(container, texts, onTry) {
  container.append(...texts.map((text) =>
    el('button', { type: 'button', className: 'quiet', textContent: text, onclick: () => onTry(text) })));
  container.hidden = false;
}

function select(element, value) {
  if ([...element.options].some((option) => option.value === value)) {
    element.value = value;
  }
}
