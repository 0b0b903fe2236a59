// The gateway's JSON API over a model and a store that can be worked out by hand: a token is a word with the space
// before it, or one byte of a character beyond ASCII; its id is its length, and feature p fires at position p.

export const FEATURES = 64;
export const CONTEXT = 400;

const encoder = new TextEncoder();
const lenient = new TextDecoder();

export const DEMO = 'models/loupe-demo';
export const OWN = 'models/my-own';
export const DICTIONARY = 'dictionaries/demo-0123456789abcdef';

/** Tokens of a text, the beginning-of-text token first, as Tokenize answers. */
export function tokenized(text) {
  const row = { ids: [0], tokens: ['<|endoftext|>'], byteEnds: [0] };
  let end = 0;
  for (const piece of text.match(/ ?[!-~]+|[^!-~]/gu) ?? []) {
    const bytes = encoder.encode(piece);
    const parts = piece.charCodeAt(0) < 128 ? [bytes] : [...bytes].map((byte) => Uint8Array.of(byte));
    for (const part of parts) {
      end += part.length;
      row.ids.push(part.length);
      row.tokens.push(lenient.decode(part));
      row.byteEnds.push(end);
    }
  }
  return row;
}

/** What was asked so far, as `METHOD path`. */
export const calls = [];

/** Answers a request with a status and JSON. */
export function answer(method, url, body) {
  const { pathname, searchParams } = new URL(url, 'http://fake');
  const path = decodeURIComponent(pathname);
  calls.push(`${method} ${path}`);
  const at = (pattern) => pattern.exec(path);
  if (path === '/v1/models') {
    return ok({ models: [model(DEMO), model(OWN)] });
  }
  if (path === '/v1/dictionaries') {
    return ok({ dictionaries: [{
      name: DICTIONARY, model: DEMO, hookPoint: 'blocks.1.hook_resid_post', dSae: FEATURES,
      createTime: '2026-01-02T03:04:05Z',
    }] });
  }
  if (path.endsWith(':tokenize')) {
    return ok({ texts: body.texts.map(tokenized) });
  }
  if (path.endsWith(':analyzePrompt')) {
    const row = tokenized(body.prompt);
    return ok({
      tokens: row.ids.map((id, i) => ({ id, token: row.tokens[i], features: i === 0 ? [] : [firing(i)] })),
      predictions: tops(row, row.ids.length - 1, body.topPredictions),
    });
  }
  if (path.endsWith(':runForwardPass')) {
    const row = tokenized(body.prompts[0].text);
    if (body.predictionPositions.length > 256) {
      return refused(429, 'RESOURCE_EXHAUSTED', 'OUT_OF_BUDGET', 'too many logits at once');
    }
    const predictions = body.predictionPositions.map((position) => ({ position, top: tops(row, position, body.topK) }));
    return ok({ rows: [{ ids: row.ids, tokens: row.tokens, predictions }] });
  }
  if (path.endsWith(':computeLogitLens')) {
    const row = tokenized(body.prompt.text);
    const layers = ['blocks.0.hook_resid_pre', 'blocks.0.hook_resid_post', 'blocks.1.hook_resid_post'];
    return ok({ layers: layers.map((hookPoint) => ({
      hookPoint,
      positions: body.positions.map((position) => ({ position, top: tops(row, position, 5) })),
    })) });
  }
  if (path.endsWith('/features:batchGet')) {
    return ok({ features: searchParams.getAll('features').map(Number).filter(stored).map(feature) });
  }
  if (path.endsWith('/features:search')) {
    return ok({ matches: [3, 4].map((index) => ({ feature: { ...feature(index), examples: [] }, relevance: 1 })) });
  }
  const one = at(/\/features\/(\d+)$/);
  if (one) {
    return stored(Number(one[1])) ? ok(feature(Number(one[1]))) : refused(404, 'NOT_FOUND', 'FEATURE_NOT_FOUND', 'it is not stored');
  }
  return refused(404, 'NOT_FOUND', '', `nothing is served at ${path}`);
}

const ok = (json) => ({ status: 200, json });

const refused = (code, status, reason, message) =>
  ({ status: code, json: { error: { code, status, message, details: [{ reason }] } } });

const model = (name) => ({ name, layers: 2, heads: 2, parameters: '1234567', contextSize: CONTEXT });

/** Odd features have no label; those from 32 on are not in the store. */
const stored = (index) => index < 32;

const labels = (index) => (index % 2 === 0 && stored(index) ? [{ text: `concept ${index}`, source: 'test', score: 0.5 }] : []);

const firing = (position) =>
  ({ name: `${DICTIONARY}/features/${position}`, activation: position, labels: labels(position) });

/** The likeliest token after a position is "after-<position>", with the id of the token that follows second. */
function tops(row, position, k) {
  return Array.from({ length: k }, (_, i) => ({
    id: i === 1 ? row.ids[position + 1] ?? 99 : 1000 + i,
    token: i === 0 ? ` after-${position}` : i === 2 ? '\ufffd' : ` other-${i}`,
    logit: 5 - i,
    probability: 0.5 / (i + 1),
  }));
}

function feature(index) {
  const text = '我爱北京🦜 and Café';
  const row = tokenized(text);
  const tokens = row.tokens.slice(1);
  const values = tokens.map((_, i) => (i === 7 ? 3 : i === 8 ? 2 : 0));
  return {
    name: `${DICTIONARY}/features/${index}`,
    statistics: { activations: '1000', density: 0.01, maxActivation: 3, meanActivation: 1 },
    histogram: { lower: 0, upper: 4, counts: ['900', '90', '9'] },
    examples: [{ tokens, values, peak: 7, ids: row.ids.slice(1), text, byteEnds: row.byteEnds.slice(1) }],
    topLogits: [{ id: 1, token: ' up', logit: 1.24 }],
    bottomLogits: [{ id: 2, token: ' down', logit: -1 }],
    rawTopLogits: [{ id: 3, token: ' raw', logit: 1 }],
    rawBottomLogits: [],
    finalNormScale: index === 2 ? 0 : 12.3,
    neighbours: [{ feature: '5', cosine: 0.5 }],
    labels: labels(index),
  };
}
