// Loupe's page: asks the gateway about a prompt and shows what it says.
import * as api from './api.js';
import { el } from './dom.js';
import { markFeature, peakTokens, showFeatures, shownAtFirst } from './features.js';
import { markLens, showLens } from './lens.js';
import { showNext } from './next.js';
import { showPanel, showPanelNotice } from './panel.js';
import { count, id, visible } from './text.js';
import { colourTokens, showTokens } from './tokens.js';

const LENS_POSITIONS = 40;
const TRIES = [
  'The capital of Texas is',
  'The Eiffel Tower is in the city of',
  'def add(a, b):',
  'Therefore, we conclude that',
];

const $ = (name) => document.getElementById(name);
const state = { tokens: [], most: 0, picked: 0, searched: 0, typing: 0, feature: null, asked: 0, opened: 0, dictionaries: [], peaks: new Map() };

$('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  look();
});
$('prompt').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    look();
  }
});
$('model').addEventListener('change', () => offerDictionaries());
$('dictionary').addEventListener('change', () => look());
window.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !$('panel').hidden) {
    closeFeature();
  }
});

$('find').addEventListener('input', () => {
  clearTimeout(state.typing);
  state.typing = setTimeout(find, 250);
});

start();

async function start() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const [models, dictionaries] = await Promise.allSettled([api.listModels(), api.listDictionaries()]);
  if (models.status === 'rejected') {
    trouble(models.reason);
    return;
  }
  if (models.value.models.length === 0) {
    trouble(new Error('No model is loaded. Start Loupe with one: ./loupe up --model FOLDER'));
    return;
  }
  if (dictionaries.status === 'rejected') {
    trouble(dictionaries.reason);
  } else {
    state.dictionaries = dictionaries.value.dictionaries;
  }
  state.models = models.value.models;
  $('model').replaceChildren(
    ...state.models.map((model) => el('option', { value: model.name, textContent: id(model.name) })));
  choose($('model'), wanted.get('model'));
  $('model').disabled = false;
  $('look').disabled = false;
  offerDictionaries(wanted.get('dictionary'));
  offerTries();
  $('prompt').value = wanted.get('prompt') ?? TRIES[0];
  await look(wanted.get('feature'));
}

function choose(select, value) {
  if ([...select.options].some((option) => option.value === value)) {
    select.value = value;
  }
}

function offerDictionaries(wanted) {
  const model = $('model').value;
  const fitting = state.dictionaries.filter((dictionary) => dictionary.model === model);
  const select = $('dictionary');
  select.disabled = fitting.length === 0;
  select.replaceChildren(
    ...(fitting.length > 0
      ? fitting.map((d) => el('option', { value: d.name, textContent: `${id(d.name)}  (${d.hookPoint})` }))
      : [el('option', { value: '', textContent: 'none trained yet' })]));
  choose(select, wanted);
  showFacts();
}

function showFacts() {
  const model = state.models.find((m) => m.name === $('model').value);
  const dictionary = state.dictionaries.find((d) => d.name === $('dictionary').value);
  const parts = [`${model.layers} layers, ${model.heads} heads, ${count(model.parameters)} parameters`];
  if (dictionary) {
    parts.push(`${count(dictionary.dSae)} features at ${dictionary.hookPoint}`);
  }
  $('facts').textContent = parts.join(' · ');
  $('facts').hidden = false;
}

function offerTries() {
  $('tries').append(...TRIES.map((text) =>
    el('button', {
      type: 'button',
      className: 'quiet',
      textContent: text,
      onclick: () => {
        $('prompt').value = text;
        look();
      },
    })));
  $('tries').hidden = false;
}

/** Asks for everything about the prompt. An answer that comes after a newer question is dropped. */
async function look(feature = null) {
  const asked = ++state.asked;
  const model = $('model').value;
  const dictionary = $('dictionary').value;
  const prompt = $('prompt').value;
  showFacts();
  $('trouble').replaceChildren();
  if (prompt === '') {
    trouble(new Error('The prompt is empty. Write something to look at.'));
    return;
  }
  document.body.classList.add('busy');
  try {
    const row = (await api.tokenize(model, prompt)).texts[0];
    const first = Math.max(0, row.ids.length - LENS_POSITIONS);
    const positions = row.ids.slice(first).map((_, i) => first + i);
    const [analysis, lens] = await Promise.allSettled([
      dictionary ? api.analyzePrompt(model, dictionary, prompt, featuresFor(row.ids.length)) : passOnly(model, prompt, row),
      api.computeLogitLens(model, prompt, positions),
    ]);
    if (asked !== state.asked) {
      return;
    }
    await show(analysis, lens, row, model, prompt, dictionary, feature);
  } catch (error) {
    if (asked === state.asked) {
      $('results').hidden = true;
      trouble(error);
    }
  } finally {
    if (asked === state.asked) {
      document.body.classList.remove('busy');
    }
  }
}

/** How many features to ask for at each token: all that fire, but fewer where a long prompt has too many in all. */
function featuresFor(tokens) {
  return Math.max(3, Math.min(50, Math.floor(10000 / tokens)));
}

/** The same as an analysis, for a model that has no dictionary yet. */
async function passOnly(model, prompt, row) {
  const pass = await api.runForwardPass(model, prompt, 10);
  return {
    tokens: row.ids.map((token, i) => ({ id: token, token: row.tokens[i], features: [] })),
    predictions: pass.rows[0].predictions[0].top,
  };
}

async function show(analysis, lens, row, model, prompt, dictionary, feature) {
  const given = analysis.status === 'fulfilled' ? analysis.value : await passOnly(model, prompt, row).catch(() => null);
  if (analysis.status === 'rejected') {
    trouble(analysis.reason);
  }
  if (given === null) {
    $('results').hidden = true;
    return;
  }
  state.tokens = given.tokens;
  state.most = Math.max(0, ...given.tokens.flatMap((token) => token.features.map((f) => f.activation)));
  state.feature = null;
  state.dictionary = dictionary;
  $('search-card').hidden = !dictionary;
  $('results').hidden = false;
  showTokens($('tokens'), state.tokens, pick);
  showNext($('next'), given.predictions);
  if (lens.status === 'fulfilled') {
    showLens($('lens'), lens.value, state.tokens.map((token) => token.token), pick);
    const left = row.ids.length - LENS_POSITIONS;
    $('lens-hint').textContent = left > 0
      ? `after the last ${LENS_POSITIONS} of ${row.ids.length} tokens; darker is surer`
      : 'what the model would say if it stopped after each layer; darker is surer';
  } else {
    $('lens').replaceChildren(el('p', { className: 'empty', textContent: lens.reason.message }));
  }
  pick(state.tokens.length - 1);
  const known = feature && state.tokens.some((t) => t.features.some((f) => f.name === feature));
  if (known || (feature && dictionary)) {
    openFeature(feature);
  } else {
    closeFeature();
  }
}

/** Looks at one position. */
function pick(position) {
  state.picked = position;
  const token = state.tokens[position];
  $('features-hint').textContent = `at ${visible(token.token)}`;
  if (token.features.length > 0) {
    showFeatures($('features'), token.features, state.most, state.feature, state.peaks, openFeature);
    learnPeaks(position);
  } else {
    $('features').replaceChildren(el('p', { className: 'empty', textContent: whyNone(position) }));
  }
  paint();
}

/** For features that nobody has labelled, says on which tokens they fire most. */
async function learnPeaks(position) {
  const { features } = state.tokens[position];
  const unknown = shownAtFirst(features).filter((f) => f.labels.length === 0 && !state.peaks.has(f.name));
  if (unknown.length === 0) {
    return;
  }
  const dictionary = state.dictionary;
  // What the store does not know is not asked for again.
  unknown.forEach((f) => state.peaks.set(f.name, null));
  const stored = await api.batchGetFeatures(dictionary, unknown.map((f) => id(f.name))).catch(() => null);
  for (const feature of stored?.features ?? []) {
    if (feature.examples.length > 0) {
      state.peaks.set(feature.name, peakTokens(feature));
    }
  }
  if (state.tokens[state.picked]?.features === features) {
    showFeatures($('features'), features, state.most, state.feature, state.peaks, openFeature);
  }
}

function whyNone(position) {
  if (!state.dictionary) {
    return 'Features come from a dictionary, and none has been trained for this model yet. ' +
      './loupe demo trains one in a few minutes.';
  }
  return position === 0
    ? 'Nothing is read at the first token: its activations are the same for every prompt, so dictionaries leave it out.'
    : 'No feature fires here.';
}

function paint() {
  const values = state.tokens.map((token) =>
    state.feature
      ? token.features.find((f) => f.name === state.feature)?.activation ?? 0
      : token.features[0]?.activation ?? 0);
  const what = state.feature ? 'activation' : 'strongest feature';
  const most = state.feature ? Math.max(...values) : state.most;
  colourTokens($('tokens'), state.tokens, values, most, state.picked, what);
  $('tokens-hint').textContent = state.feature
    ? `coloured by feature ${id(state.feature)}`
    : state.most > 0 ? 'coloured by the strongest feature; pick one to see its own' : '';
  markLens($('lens'), state.picked);
  markFeature($('features'), state.feature);
}

/** Finds features by the words of their labels, tokens and examples. */
async function find() {
  const query = $('find').value.trim();
  if (query === '' || !state.dictionary) {
    $('found').replaceChildren();
    return;
  }
  const searched = ++state.searched;
  const answer = await api.searchFeatures(state.dictionary, query).catch((error) => ({ error }));
  if (searched !== state.searched) {
    return;
  }
  const matches = answer.matches ?? [];
  $('found').replaceChildren(
    ...(matches.length > 0
      ? matches.map(({ feature }) =>
        el('button', {
          type: 'button',
          className: 'quiet',
          textContent: `#${id(feature.name)} ${feature.labels[0]?.text ?? ''}`.trim(),
          onclick: () => openFeature(feature.name),
        }))
      : [el('p', { className: 'empty', textContent: answer.error?.message ?? 'No feature has these words.' })]));
}

async function openFeature(name) {
  const opened = ++state.opened;
  state.feature = name;
  paint();
  remember();
  try {
    const feature = await api.getFeature(name);
    if (opened === state.opened) {
      showPanel($('panel'), feature, openFeature, closeFeature);
      $('panel').scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    }
  } catch (error) {
    if (opened === state.opened) {
      const text = error.reason === 'FEATURE_NOT_FOUND'
        ? 'It fires here, but the feature store knows nothing of it yet. Publish the dictionary to fill it.'
        : error.message;
      showPanelNotice($('panel'), name, text, closeFeature);
    }
  }
}

function closeFeature() {
  state.opened++;
  state.feature = null;
  $('panel').hidden = true;
  paint();
  remember();
}

/** Keeps what is looked at in the address, so that it can be sent to someone. */
function remember() {
  const kept = new URLSearchParams({ model: $('model').value, prompt: $('prompt').value });
  if (state.dictionary) {
    kept.set('dictionary', state.dictionary);
  }
  if (state.feature) {
    kept.set('feature', state.feature);
  }
  history.replaceState(null, '', `#${kept}`);
}

function trouble(error) {
  const reason = error.reason ? el('code', { textContent: error.reason }) : null;
  $('trouble').replaceChildren(el('p', { className: 'notice' }, error.message, ' ', reason));
}
