// What is looked at stands in the address, so that it can be sent to someone, and Back finds it again.

/** What the address asks for: model, dictionary, prompt and feature, each null where it does not say. */
export function asked() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const of = (name) => wanted.get(name);
  return { model: of('model'), dictionary: of('dictionary'), prompt: of('prompt'), feature: of('feature') };
}

/** Writes what is looked at. Another prompt, model or dictionary is a new entry of the history, a feature is not. */
export function remember({ model, dictionary, prompt, feature }) {
  const kept = new URLSearchParams({ model, prompt });
  if (dictionary) {
    kept.set('dictionary', dictionary);
  }
  if (feature) {
    kept.set('feature', feature);
  }
  const before = asked();
  const same = before.prompt === null ||
    (before.model === model && before.prompt === prompt && (before.dictionary ?? '') === (dictionary ?? ''));
  history[same ? 'replaceState' : 'pushState'](null, '', `#${kept}`);
}
