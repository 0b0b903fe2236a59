// The feature that is open: its panel, the focus, and why nothing is known of some.
import * as api from './api.js';
import { showPanel, showPanelNotice } from './panel.js';

/** Opens and closes the panel of one feature. */
export class OpenedFeature {
  #panel;
  #whyUnknown;
  #onChange;
  #opener = null;
  #opened = 0;

  /** The name of the open feature; null when none is. */
  name = null;

  /**
   * @param whyUnknown says why nothing is known of a feature, given its name and the error
   * @param onChange called when another feature is open, or none
   */
  constructor(panel, whyUnknown, onChange) {
    this.#panel = panel;
    this.#whyUnknown = whyUnknown;
    this.#onChange = onChange;
    window.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !panel.hidden) {
        this.close();
      }
    });
  }

  /** Opens a feature. One that somebody picked (there is an event) gets the focus, which closing gives back. */
  open = async (name, event) => {
    const opened = ++this.#opened;
    this.name = name;
    if (event && !this.#panel.contains(event.currentTarget)) {
      this.#opener = event.currentTarget;
    }
    this.#onChange();
    const feature = await api.getFeature(name).catch((error) => ({ error }));
    if (opened !== this.#opened) {
      return;
    }
    if (feature.error) {
      showPanelNotice(this.#panel, name, this.#whyUnknown(name, feature.error), this.close);
    } else {
      showPanel(this.#panel, feature, this.open, this.close);
    }
    if (event) {
      this.#panel.focus({ preventScroll: true });
      this.#panel.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    }
  };

  close = () => {
    this.#opened++;
    this.name = null;
    const focused = this.#panel.contains(document.activeElement);
    this.#panel.hidden = true;
    if (focused) {
      this.#giveFocusBack();
    }
    this.#opener = null;
    this.#onChange();
  };

  #giveFocusBack() {
    // The list may have been drawn again since.
    const name = this.#opener?.dataset.name ?? '';
    const same = this.#opener?.isConnected ? this.#opener : document.querySelector(`[data-name="${CSS.escape(name)}"]`);
    (same ?? document.querySelector('.chip[aria-pressed="true"]')).focus();
  }
}
