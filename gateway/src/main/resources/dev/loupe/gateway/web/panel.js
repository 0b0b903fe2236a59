// Everything that is known of one feature.
import { el, svg } from './dom.js';
import { pieces } from './pieces.js';
import { count, id, number, percent, running, visible } from './text.js';

const AROUND = 24;
const FEW = 6;

/**
 * Shows a feature.
 * @param onPick called with the name of a neighbour that was picked, and the event
 * @param onClose called when the panel is closed
 */
export function showPanel(panel, feature, onPick, onClose) {
  const best = feature.labels[0];
  panel.replaceChildren(
    el('div', { className: 'title' },
      el('h2', { textContent: best?.text ?? `Feature ${id(feature.name)}` }),
      el('button', { type: 'button', className: 'close', ariaLabel: 'Close', textContent: '✕', onclick: onClose })),
    el('p', { className: 'hint', textContent: best
      ? `feature ${id(feature.name)} · says ${best.source}, score ${number(best.score)}`
      : 'nobody has labelled this feature yet' }),
    facts(feature.statistics),
    section('Where it fires most', examples(feature.examples)),
    el('div', { className: 'columns' },
      section('It promotes', effects(feature.topLogits), logitHint(feature)),
      section('It suppresses', effects(feature.bottomLogits), logitHint(feature)),
      el('div', {},
        section('How strongly it fires', histogram(feature.histogram)),
        section('Similar directions', neighbours(feature, onPick)),
        otherLabels(feature.labels.slice(1)))),
  );
  panel.hidden = false;
  centrePeaks(panel);
}

/** Puts the strongest token of every example in the middle, one below the other. */
function centrePeaks(panel) {
  panel.querySelectorAll('.example:not([hidden])').forEach((row) => {
    const peak = row.querySelector('.peak');
    row.scrollLeft = peak.offsetLeft - row.clientWidth / 2;
  });
}

/** Says that a feature is on its way, or why it is not there. */
export function showPanelNotice(panel, name, text, onClose) {
  panel.replaceChildren(
    el('div', { className: 'title' },
      el('h2', { textContent: `Feature ${id(name)}` }),
      el('button', { type: 'button', className: 'close', ariaLabel: 'Close', textContent: '✕', onclick: onClose })),
    el('p', { className: 'empty', textContent: text }));
  panel.hidden = false;
}

function section(title, content, hint = '') {
  const words = hint ? el('p', { className: 'axis', textContent: hint }) : null;
  return el('div', { className: 'part' }, el('h3', { textContent: title }), words, content);
}

/** What a logit of this feature is. */
function logitHint(feature) {
  return feature.finalNormScale > 0
    ? `logits by one unit, through the final layer norm (mean scale ${number(feature.finalNormScale)})`
    : 'direction times unembedding, without the final layer norm';
}

function empty(text) {
  return el('p', { className: 'empty', textContent: text });
}

function facts(statistics) {
  if (!statistics) {
    return null;
  }
  const fact = (name, value) => el('div', {}, el('dt', { textContent: name }), el('dd', { textContent: value }));
  return el('dl', { className: 'numbers' },
    fact('fires on', percent(statistics.density)),
    fact('at most', number(statistics.maxActivation)),
    fact('on average, when it fires', number(statistics.meanActivation)),
    fact('measured on', `${count(statistics.activations)} tokens`));
}

function examples(all) {
  if (all.length === 0) {
    return empty('It never fired on the corpus.');
  }
  const most = Math.max(...all.map((example) => Math.max(...example.values)));
  const list = el('ol', { className: 'examples' },
    ...all.map((example, i) => el('li', { className: 'example', tabIndex: 0, hidden: i >= FEW }, ...around(example).map((run) =>
      el('span', {
        className: run.peak ? 'heat peak' : 'heat',
        vars: { heat: (run.value / most).toFixed(3) },
        title: run.value > 0 ? number(run.value) : '',
        textContent: running(run.text),
      })))));
  if (all.length <= FEW) {
    return list;
  }
  const more = el('button', {
    type: 'button',
    className: 'quiet more',
    textContent: `Show ${all.length - FEW} more`,
    onclick: () => {
      list.querySelectorAll('[hidden]').forEach((row) => { row.hidden = false; });
      centrePeaks(list);
      more.remove();
    },
  });
  return el('div', {}, list, more);
}

/** The text around the strongest token, in runs: a token each, or all tokens that share characters. */
export function around(example) {
  const shown = pieces(example.tokens, example.text, example.byteEnds ?? []);
  const runs = [];
  for (let i = 0; i < shown.length; i += shown[i].of) {
    const end = i + shown[i].of;
    if (end > example.peak - AROUND && i <= example.peak + AROUND) {
      runs.push({
        text: shown[i].text,
        value: Math.max(...example.values.slice(i, end)),
        peak: example.peak >= i && example.peak < end,
      });
    }
  }
  return runs;
}

function effects(all) {
  if (all.length === 0) {
    return empty('No tokens are stored.');
  }
  const most = Math.max(...all.map((effect) => Math.abs(effect.logit)));
  return el('ol', { className: 'effects' },
    ...all.slice(0, 10).map((effect) =>
      el('li', { className: effect.logit < 0 ? 'down' : 'up', vars: { share: Math.abs(effect.logit) / most } },
        el('span', { className: 'token', textContent: visible(effect.token) }),
        el('span', { className: 'value', textContent: (effect.logit > 0 ? '+' : '') + number(effect.logit) }))));
}

function histogram(bins) {
  const counts = (bins?.counts ?? []).map(Number);
  if (counts.every((n) => n === 0)) {
    return empty('It never fired on the corpus.');
  }
  const width = 320;
  const height = 72;
  const step = width / counts.length;
  // Counts span orders of magnitude, so heights are logarithmic.
  const most = Math.log1p(Math.max(...counts));
  const bars = counts.map((n, i) => {
    const tall = (Math.log1p(n) / most) * height;
    const from = bins.lower + ((bins.upper - bins.lower) * i) / counts.length;
    const to = bins.lower + ((bins.upper - bins.lower) * (i + 1)) / counts.length;
    const title = svg('title');
    title.textContent = `${number(from)} to ${number(to)}: ${count(n)} times`;
    return svg('rect', { x: i * step + 0.5, y: height - tall, width: Math.max(1, step - 1), height: tall, rx: 1 }, title);
  });
  return el('figure', {},
    el('p', { className: 'axis', textContent: `how often, up to ${count(Math.max(...counts))}, on a log scale` }),
    svg('svg', {
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `Histogram of activations from ${number(bins.lower)} to ${number(bins.upper)}`,
    }, ...bars),
    el('figcaption', {},
      el('span', { textContent: number(bins.lower) }),
      el('span', { textContent: 'activation' }),
      el('span', { textContent: number(bins.upper) })));
}

function neighbours(feature, onPick) {
  if (feature.neighbours.length === 0) {
    return empty('No neighbours are stored.');
  }
  const parent = feature.name.slice(0, feature.name.lastIndexOf('/'));
  return el('div', { className: 'neighbours' },
    ...feature.neighbours.slice(0, 8).map((neighbour) =>
      el('button', {
        type: 'button',
        className: 'quiet',
        title: `cosine ${number(neighbour.cosine)}`,
        textContent: `#${neighbour.feature} · ${number(neighbour.cosine)}`,
        onclick: (event) => onPick(`${parent}/${neighbour.feature}`, event),
      })));
}

function otherLabels(labels) {
  if (labels.length === 0) {
    return null;
  }
  return section('Other labels', el('ul', { className: 'labels' },
    ...labels.map((label) => el('li', { textContent: `${label.text} (${label.source}, ${number(label.score)})` }))));
}
