// The page in jsdom, on the fake gateway: what it shows, remembers and focuses.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { JSDOM } from 'jsdom';
import { CONTEXT, DEMO, DICTIONARY, FEATURES, OWN, answer, calls } from './fake-gateway.js';

const WEB = process.env.LOUPE_PAGE ?? fileURLToPath(new URL('../../main/resources/dev/loupe/gateway/web/', import.meta.url));
const html = await readFile(join(WEB, 'index.html'), 'utf8');

const copies = [];
let dom;

after(() => Promise.all(copies.map((copy) => rm(copy, { recursive: true }))));

/** Opens the page anew at an address. */
async function open(hash = {}) {
  dom?.window.close();
  dom = new JSDOM(html, { url: `http://127.0.0.1:8080/#${new URLSearchParams(hash)}`, pretendToBeVisual: true });
  const { window } = dom;
  Object.assign(globalThis, {
    window,
    document: window.document,
    location: window.location,
    history: window.history,
    CSS: { escape: (text) => text.replace(/["\\]/g, '\\$&') },
    ResizeObserver: class {
      observe() {}
    },
    fetch: async (path, { method, body }) => {
      const { status, json } = answer(method, path, body === undefined ? undefined : JSON.parse(body));
      return { ok: status === 200, status, json: async () => json };
    },
  });
  window.Element.prototype.scrollIntoView = () => {};
  calls.length = 0;
  // Modules keep what they know, so every page has its own copy of them.
  const copy = await mkdtemp(join(tmpdir(), 'loupe-page-'));
  copies.push(copy);
  await cp(WEB, copy, { recursive: true });
  await writeFile(join(copy, 'package.json'), '{"type": "module"}');
  await import(pathToFileURL(join(copy, 'app.js')));
  await settled();
}

/** Lets everything that was asked be answered, which takes no time here. */
async function settled() {
  for (let i = 0; i < 20; i++) {
    await new Promise((done) => setImmediate(done));
  }
}

/** Waits for what the page does a little later. */
async function until(holds) {
  const end = Date.now() + 10_000;
  while (!holds()) {
    assert.ok(Date.now() < end, `never: ${holds}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

const $ = (id) => document.getElementById(id);
const texts = (selector, within = document) => [...within.querySelectorAll(selector)].map((e) => e.textContent);
const chips = () => texts('.chip');

async function look(prompt) {
  $('prompt').value = prompt;
  $('ask').dispatchEvent(new window.Event('submit', { cancelable: true, bubbles: true }));
  await settled();
}

/** A click as the keyboard makes it, which has no detail. */
async function press(element) {
  element.focus();
  element.dispatchEvent(new window.MouseEvent('click', { bubbles: true, detail: 0 }));
  await settled();
}

beforeEach(() => open());

it('shows Chinese and emoji whole, once', async () => {
  await look('我🦜 hi');
  assert.deepEqual(chips(), ['<|endoftext|>', '我', '⋯', '⋯', '🦜', '⋯', '⋯', '⋯', '·hi']);
  assert.match(document.querySelectorAll('.chip')[2].title, /我, part 2 of 3/);
  assert.ok(!$('results').textContent.includes('\ufffd'), 'nothing is cut to pieces');
});

it('shows the examples of a feature whole', async () => {
  await look('a b c d');
  await press(document.querySelector('.feature'));
  assert.equal(texts('.example span').join(''), '我爱北京🦜 and Café');
  const peak = document.querySelector('.example .peak');
  assert.equal(peak.textContent, '北');
  assert.equal(peak.title, '3');
});

it('names dictionaries by what they are, not by a hash', () => {
  const name = $('dictionary').selectedOptions[0].textContent;
  assert.equal(name, `demo: ${FEATURES} features at blocks.1.hook_resid_post`);
});

it('counts tokens while one writes, and says plainly when there are too many', async () => {
  $('prompt').value = 'one two three';
  $('prompt').dispatchEvent(new window.Event('input'));
  await until(() => $('count').textContent === `4 of ${CONTEXT} tokens`);
  await look('word '.repeat(CONTEXT).trim());
  assert.match($('trouble').textContent, /has 401 tokens.*reads at most 400\. Leave out 1 or more/);
  assert.ok($('count').classList.contains('over'));
  assert.ok($('results').hidden);
  assert.ok(!calls.slice(-1)[0].includes('analyzePrompt'), 'the model is not asked');
});

it('says that a text is too long, and cuts off nothing', async () => {
  await look('x'.repeat(20001));
  assert.match($('trouble').textContent, /20,001 characters; at most 20,000/);
  assert.equal($('prompt').value.length, 20001);
  assert.ok(!$('prompt').hasAttribute('maxlength'));
});

it('finds the prompt before again with Back', async () => {
  await look('first prompt');
  await look('second prompt');
  history.back();
  await until(() => $('prompt').value === 'first prompt');
  await settled();
  assert.deepEqual(chips().slice(1), ['first', '·prompt']);
  history.forward();
  await until(() => $('prompt').value === 'second prompt');
});

it('gives the focus to a feature that is opened, and back when it is closed', async () => {
  await look('a b c d');
  const opener = document.querySelector('.feature');
  await press(opener);
  assert.equal(document.activeElement.id, 'panel');
  await press($('panel').querySelector('.close'));
  assert.equal(document.activeElement.dataset.name, opener.dataset.name);
});

it('moves the lens to a token that it does not show, and says what it shows', async () => {
  await look(Array.from({ length: 90 }, (_, i) => `w${i}`).join(' '));
  assert.match($('lens-hint').textContent, /tokens 52 to 91 of 91/);
  document.querySelectorAll('.chip')[5].click();
  await until(() => /tokens 1 to 40 of 91/.test($('lens-hint').textContent));
  assert.equal($('lens').querySelector('th.picked').dataset.position, '5');
});

it('predicts after every token and marks the one that follows', async () => {
  await look('a bb ccc');
  assert.equal(texts('#next .token')[0], '·after-3');
  assert.equal($('next-hint').textContent, 'the likeliest tokens after the prompt');
  document.querySelectorAll('.chip')[1].click();
  assert.equal(texts('#next .token')[0], '·after-1');
  assert.equal($('next-hint').textContent, 'the likeliest tokens after a');
  assert.deepEqual(texts('#next .follows .token'), ['·other-1']);
});

it('predicts a long prompt where one looks', async () => {
  await look(Array.from({ length: 300 }, (_, i) => `w${i}`).join(' '));
  assert.equal($('trouble').textContent, '');
  assert.equal(texts('#next .token')[0], '·after-300');
  document.querySelectorAll('.chip')[7].click();
  await until(() => texts('#next .token')[0] === '·after-7');
});

it('says of features that nobody knows why', async () => {
  for (const [index, says] of [[63, /does not fire here.*knows nothing of it/], [9999, /no such feature: .* are 0 to 63/]]) {
    await open({ model: DEMO, dictionary: DICTIONARY, prompt: 'a b', feature: `${DICTIONARY}/features/${index}` });
    assert.match($('panel').textContent, says);
  }
  await look(Array.from({ length: 40 }, () => 'w').join(' '));
  await press(document.querySelector('.feature'));
  assert.match($('panel').textContent, /It fires here, but the feature store knows nothing of it/);
});

it('says where the scale is logarithmic, and what a logit is', async () => {
  await look('a b c d');
  await press(document.querySelector('.feature'));
  assert.equal(texts('figure .axis')[0], 'how often, up to 900, on a log scale');
  assert.deepEqual(texts('figcaption span'), ['0', 'activation', '4']);
  assert.match(texts('.columns .part')[0], /It promoteslogits by one unit, through the final layer norm \(mean scale 12\.3\)/);
});

it('says what a hit without a label fires on', async () => {
  $('find').value = 'anything';
  $('find').dispatchEvent(new window.Event('input'));
  await until(() => document.querySelector('#found .hit'));
  assert.deepEqual(texts('#found .hit'), ['#3 mostly on 北', '#4 concept 4']);
});

it("does not promise that the demo trains a dictionary for one's own model", async () => {
  await open({ model: OWN, prompt: 'a b' });
  assert.match($('features').textContent, /loupe demo --model FOLDER_OR_HUB_ID/);
  assert.doesNotMatch($('features').textContent, /"\.\/loupe demo"/);
});

it('shows a token that is a part of a character as such', async () => {
  await look('a');
  assert.equal(texts('#next .token')[2], '⟨bytes⟩');
});
