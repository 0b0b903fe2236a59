// How long a prompt is, and how long it may be.
import * as api from './api.js';
import { count, id } from './text.js';

/** The API takes no longer prompt. */
export const MAX_CHARACTERS = 20000;

/** Why a prompt of this many tokens is too long for a model; null when it is not. */
export function tooLong(tokens, model) {
  const over = tokens - model.contextSize;
  return over <= 0
    ? null
    : `The prompt has ${count(tokens)} tokens, the one that marks the beginning counted; ` +
      `${id(model.name)} reads at most ${count(model.contextSize)}. Leave out ${count(over)} or more.`;
}

/** The same for characters. */
export function tooManyCharacters(prompt) {
  const characters = [...prompt].length;
  return characters <= MAX_CHARACTERS
    ? null
    : `The prompt has ${count(characters)} characters; at most ${count(MAX_CHARACTERS)} can be looked at.`;
}

/** Shows how many tokens a prompt has while it is written. Answers that come after a newer prompt are dropped. */
export class TokenCounter {
  #element;
  #asked = 0;
  #waiting = 0;

  constructor(element) {
    this.#element = element;
  }

  /** Counts a little later, when nobody writes any more. */
  soon(model, prompt) {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.now(model, prompt), 250);
  }

  async now(model, prompt) {
    clearTimeout(this.#waiting);
    const asked = ++this.#asked;
    const characters = tooManyCharacters(prompt);
    if (characters || prompt === '') {
      this.#show(characters ?? '', characters !== null);
      return;
    }
    const answer = await api.tokenize(model.name, prompt).catch(() => null);
    if (asked === this.#asked) {
      const tokens = answer?.texts[0].ids.length;
      this.#show(answer ? `${count(tokens)} of ${count(model.contextSize)} tokens` : '', tokens > model.contextSize);
    }
  }

  /** Shows a count that is known already. */
  known(model, tokens) {
    clearTimeout(this.#waiting);
    this.#asked++;
    this.#show(`${count(tokens)} of ${count(model.contextSize)} tokens`, tokens > model.contextSize);
  }

  #show(text, over) {
    this.#element.textContent = text;
    this.#element.classList.toggle('over', over);
  }
}
