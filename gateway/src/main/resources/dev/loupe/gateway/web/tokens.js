// The prompt as chips.
import { el, roving } from './dom.js';
import { number, visible } from './text.js';

/**
 * Shows tokens.
 * @param onPick called with the position of the chip that was picked
 */
export function showTokens(container, tokens, onPick) {
  const chips = tokens.map((token, position) =>
    el('button', {
      type: 'button',
      className: 'chip',
      textContent: visible(token.token),
      onclick: () => onPick(position),
      onfocus: () => onPick(position),
    }),
  );
  container.replaceChildren(...chips);
  container.setAttribute('role', 'toolbar');
  container.setAttribute('aria-label', 'Tokens of the prompt');
  roving(container, chips);
}

/** Colours the chips by a value at each position, 0 to `most`; marks the picked one. */
export function colourTokens(container, tokens, values, most, picked, what) {
  [...container.children].forEach((chip, position) => {
    const value = values[position] ?? 0;
    chip.style.setProperty('--heat', most > 0 ? Math.min(1, value / most).toFixed(3) : 0);
    chip.setAttribute('aria-pressed', String(position === picked));
    chip.title = `token ${tokens[position].id}, position ${position}` +
      (value > 0 ? `\n${what}: ${number(value)}` : '');
  });
}
