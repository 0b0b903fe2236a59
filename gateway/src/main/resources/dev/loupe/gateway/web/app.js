// Loupe's page: asks the gateway about a prompt and shows what it says.
import * as address from './address.js';
import * as api from './api.js';
import { Choices, offerTries } from './choices.js';
import { el } from './dom.js';
import { markFeature, peakTokens, showFeatures, shownAtFirst } from './features.js';
import { lensHint, lensPositions, markLens, showLens } from './lens.js';
import { TokenCounter, tooLong, tooManyCharacters } from './limits.js';
import { howToTrain } from './names.js';
import { showNext } from './next.js';
import { OpenedFeature } from './opened.js';
import { pieces, wholeOf } from './pieces.js';
import { Search } from './search.js';
import { id, visible } from './text.js';
import { bringIntoView, colourTokens, showTokens } from './tokens.js';

/** Longer prompts are not predicted at every position at once: their logits take much memory. */
const PREDICTED_AT_ONCE = 256;
const TRIES = [
  'The capital of Texas is',
  'The Eiffel Tower is in the city of',
  'def add(a, b):',
  'Therefore, we conclude that',
];

const $ = (name) => document.getElementById(name);
const state = {
  dictionary: null, model: null, prompt: '',
  tokens: [], predictions: new Map(), most: 0, picked: 0, lens: [], peaks: new Map(),
  asked: 0, moved: 0, moving: 0,
};
const choices = new Choices($('model'), $('dictionary'), $('facts'));
const counter = new TokenCounter($('count'));
const opened = new OpenedFeature($('panel'), whyUnknown, () => {
  paint();
  remember();
});
const search = new Search($('find'), $('found'), opened.open);

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
$('prompt').addEventListener('input', () => counter.soon(choices.model, $('prompt').value));
$('model').addEventListener('change', () => {
  choices.offerDictionaries();
  counter.now(choices.model, $('prompt').value);
});
$('dictionary').addEventListener('change', () => look());
window.addEventListener('popstate', () => {
  if (choices.ready) {
    lookAtAddress();
  }
});
start();

async function start() {
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
  }
  choices.offer(models.value.models, dictionaries.value?.dictionaries ?? []);
  $('look').disabled = false;
  offerTries($('tries'), TRIES, (text) => {
    $('prompt').value = text;
    look();
  });
  await lookAtAddress();
}

/** Looks at what the address asks for. */
async function lookAtAddress() {
  const wanted = address.asked();
  choices.choose(wanted.model, wanted.dictionary);
  $('prompt').value = wanted.prompt ?? TRIES[0];
  await look(wanted.feature);
}

/** Asks for everything about the prompt. An answer that comes after a newer question is dropped. */
async function look(feature = null) {
  const asked = ++state.asked;
  const { model, dictionary } = choices;
  const prompt = $('prompt').value;
  choices.showFacts();
  $('trouble').replaceChildren();
  const refused = prompt === '' ? 'The prompt is empty. Write something to look at.' : tooManyCharacters(prompt);
  if (refused) {
    refuse(refused);
    return;
  }
  document.body.classList.add('busy');
  try {
    const row = (await api.tokenize(model.name, prompt)).texts[0];
    if (asked !== state.asked) {
      return;
    }
    counter.known(model, row.ids.length);
    const long = tooLong(row.ids.length, model);
    if (long) {
      refuse(long);
      return;
    }
    const last = row.ids.length - 1;
    const answers = await Promise.allSettled([
      dictionary ? api.analyzePrompt(model.name, dictionary, prompt, featuresFor(row.ids.length)) : null,
      predict(model, prompt, last, row.ids.length),
      api.computeLogitLens(model.name, prompt, lensPositions(last, row.ids.length)),
    ]);
    if (asked === state.asked) {
      Object.assign(state, { model, dictionary, prompt });
      show(row, ...answers, feature);
    }
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

/** What follows each position: of a long prompt only of those that the lens shows. */
function predict(model, prompt, position, tokens) {
  const positions = tokens <= PREDICTED_AT_ONCE ? Array.from({ length: tokens }, (_, i) => i) : lensPositions(position, tokens);
  return api.runForwardPass(model.name, prompt, 10, positions);
}

function keepPredictions(pass) {
  for (const prediction of pass.value?.rows[0].predictions ?? []) {
    state.predictions.set(prediction.position, prediction.top);
  }
}

/** Shows a row of tokens with what three calls said of it, each of which may have failed. */
function show(row, analysis, pass, lens, feature) {
  const failed = [analysis, pass].find((answer) => answer.status === 'rejected');
  if (failed) {
    trouble(failed.reason);
  }
  const shown = pieces(row.tokens, state.prompt, row.byteEnds);
  state.tokens = row.ids.map((token, i) => ({
    id: token,
    shown: shown[i].text,
    part: shown[i].part,
    of: shown[i].of,
    label: visible(wholeOf(shown, i)),
    features: analysis.value?.tokens[i].features ?? [],
  }));
  state.predictions = new Map([[row.ids.length - 1, analysis.value?.predictions ?? []]]);
  keepPredictions(pass);
  state.most = Math.max(0, ...state.tokens.map((token) => token.features[0]?.activation ?? 0));
  $('search-card').hidden = !state.dictionary;
  $('results').hidden = false;
  showTokens($('tokens'), state.tokens, pick);
  state.lens = [];
  showLensAnswer(lens, lensPositions(row.ids.length - 1, row.ids.length));
  pick(state.tokens.length - 1);
  search.in(state.dictionary);
  if (feature && state.dictionary) {
    opened.open(feature);
  } else {
    opened.close();
  }
}

function showLensAnswer(lens, positions) {
  if (lens.status === 'fulfilled') {
    state.lens = positions;
    showLens($('lens'), lens.value, state.tokens.map((token) => token.label), pick);
    $('lens-hint').textContent = lensHint(positions, state.tokens.length);
  } else {
    $('lens').replaceChildren(el('p', { className: 'empty', textContent: lens.reason.message }));
  }
}

/** Looks at one position. */
function pick(position) {
  state.picked = position;
  const token = state.tokens[position];
  const following = state.tokens[position + 1];
  $('features-hint').textContent = `at ${token.label}`;
  $('next-hint').textContent = following ? `the likeliest tokens after ${token.label}` : 'the likeliest tokens after the prompt';
  showNext($('next'), state.predictions.get(position) ?? [], following?.id ?? null);
  if (token.features.length > 0) {
    showFeatures($('features'), token.features, state.most, opened.name, state.peaks, opened.open);
    learnPeaks(position);
  } else {
    $('features').replaceChildren(el('p', { className: 'empty', textContent: whyNone(position) }));
  }
  paint();
  moveLens(position);
}

/** Shows another stretch of the prompt in the lens where the picked token is not in the one that is shown. */
function moveLens(position) {
  clearTimeout(state.moving);
  if (state.lens.length === 0 || state.lens.includes(position)) {
    return;
  }
  const moved = ++state.moved;
  const { asked, model, prompt } = state;
  state.moving = setTimeout(async () => {
    const positions = lensPositions(position, state.tokens.length);
    const [lens, pass] = await Promise.allSettled([
      api.computeLogitLens(model.name, prompt, positions),
      state.predictions.has(position) ? null : predict(model, prompt, position, state.tokens.length),
    ]);
    if (moved === state.moved && asked === state.asked) {
      keepPredictions(pass);
      showLensAnswer(lens, positions);
      pick(state.picked);
    }
  }, 150);
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
    showFeatures($('features'), features, state.most, opened.name, state.peaks, opened.open);
  }
}

function whyNone(position) {
  if (!state.dictionary) {
    return `Features come from a dictionary, and none has been trained for this model yet. ${howToTrain(state.model.name)}`;
  }
  return position === 0
    ? 'Nothing is read at the first token: its activations are the same for every prompt, so dictionaries leave it out.'
    : 'No feature fires here.';
}

function paint() {
  const values = state.tokens.map((token) =>
    opened.name
      ? token.features.find((f) => f.name === opened.name)?.activation ?? 0
      : token.features[0]?.activation ?? 0);
  const what = opened.name ? 'activation' : 'strongest feature';
  const most = opened.name ? Math.max(...values) : state.most;
  colourTokens($('tokens'), state.tokens, values, most, state.picked, what);
  bringIntoView($('tokens'), state.picked);
  $('tokens-hint').textContent = opened.name
    ? `coloured by feature ${id(opened.name)}`
    : state.most > 0 ? 'coloured by the strongest feature; pick one to see its own' : '';
  markLens($('lens'), state.picked);
  markFeature($('features'), opened.name);
}

/** Why there is nothing to show of a feature. */
function whyUnknown(name, error) {
  const dictionary = choices.dictionaryOf(name);
  if (dictionary && !(Number(id(name)) < dictionary.dSae)) {
    return `There is no such feature: those of ${dictionary.name} are 0 to ${dictionary.dSae - 1}.`;
  }
  if (error.reason !== 'FEATURE_NOT_FOUND') {
    return error.message;
  }
  const fires = state.tokens.some((token) => token.features.some((f) => f.name === name));
  return `${fires ? 'It fires here, but the' : 'It does not fire here, and the'} feature store knows nothing of it. ` +
    'Publish the dictionary (PublishFeatures) to fill the store.';
}

function remember() {
  address.remember({ ...state, model: state.model.name, feature: opened.name });
}

function refuse(text) {
  $('results').hidden = true;
  document.body.classList.remove('busy');
  trouble(new Error(text));
}

function trouble(error) {
  const reason = error.reason ? el('code', { textContent: error.reason }) : null;
  $('trouble').replaceChildren(el('p', { className: 'notice' }, error.message, ' ', reason));
}
