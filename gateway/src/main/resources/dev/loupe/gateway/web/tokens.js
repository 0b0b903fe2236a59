// The prompt as chips.
import { el, roving } from './dom.js';
import { wholeOf } from './pieces.js';
import { number, visible } from './text.js';

/** Kept free around what is scrolled to. */
const MARGIN = 4;

/**
 * Shows tokens.
 * @param onPick called with the position of the chip that was picked
 */
export function showTokens(container, tokens, onPick) {
  const chips = tokens.map((token, position) =>
    el('button', {
      type: 'button',
      className: token.part > 0 ? 'chip rest' : 'chip',
      textContent: token.part > 0 ? '⋯' : visible(token.shown),
      ariaLabel: token.of > 1 ? partLabel(tokens, position) : null,
      onclick: () => onPick(position),
      onfocus: () => onPick(position),
    }),
  );
  container.replaceChildren(...chips);
  container.setAttribute('role', 'toolbar');
  container.setAttribute('aria-label', 'Tokens of the prompt');
  roving(container, chips);
}

/** Which part of a character's bytes a token holds. */
function partLabel(tokens, position) {
  const { part, of } = tokens[position];
  const whole = wholeOf(tokens.map((t) => ({ text: t.shown, part: t.part })), position);
  return `${visible(whole)}, part ${part + 1} of ${of}`;
}

/** Scrolls the chips, and nothing else, until one of them can be seen. */
export function bringIntoView(container, position) {
  const chip = container.children[position].getBoundingClientRect();
  const box = container.getBoundingClientRect();
  const below = chip.bottom - box.bottom;
  container.scrollTop += below > 0 ? below + MARGIN : Math.min(0, chip.top - box.top - MARGIN);
}

/** Colours the chips by a value at each position, 0 to `most`; marks the picked one. */
export function colourTokens(container, tokens, values, most, picked, what) {
  [...container.children].forEach((chip, position) => {
    const value = values[position] ?? 0;
    chip.style.setProperty('--heat', most > 0 ? Math.min(1, value / most).toFixed(3) : 0);
    chip.setAttribute('aria-pressed', String(position === picked));
    const part = tokens[position].of > 1 ? `${partLabel(tokens, position)}\n` : '';
    chip.title = `${part}token ${tokens[position].id}, position ${position}` +
      (value > 0 ? `\n${what}: ${number(value)}` : '');
  });
}
