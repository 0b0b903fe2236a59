// Changes what a model computes, from Node: edits as data, and a hook in JavaScript.
//
//   npm ci && node intervene.js [HOST:PORT] [PROMPT]
import { connect, floats } from './loupe-client.js';

const address = process.argv[2] ?? '127.0.0.1:8080';
const text = process.argv[3] ?? 'The capital of Texas is';

const loupe = await connect(address);
const [model] = (await loupe.inference.unary('ListModels', {})).models;
const middle = Math.floor(model.layers / 2);

// How long the residual stream is at the last token, after every block: reduced on the server, sent as halves.
const lengths = await loupe.inference.unary('RunForwardPass', {
  model: model.name,
  prompts: [{ text }],
  top_k: 1,
  captures: [{ hook_point: 'blocks.*.hook_resid_post', positions: [-1], reductions: [{ norm: {} }], dtype: 'DTYPE_F16' }],
});
console.log(`computed by ${lengths.provenance.engine} on ${lengths.provenance.device}`);
for (const { hook_point: name, value } of lengths.activations) {
  console.log(`${name}: ${value.layout.dtype}, ${value.data.length} bytes`);
}
const answer = lengths.rows[0].predictions[0].top[0];
console.log(`as it is: ${JSON.stringify(answer.token)} ${(100 * answer.probability).toFixed(1)}%`);

// Edits: each is a typed message, applied in order. Names may be short ones, or those of TransformerLens's bridge.
const hidden = Array.from({ length: model.d_model }, (_, i) => (i === 0 ? 1 : 0));
const direction = {
  layout: { dtype: 'DTYPE_F32', axes: [{ name: 'vector', size: 1 }, { name: 'd_model', size: model.d_model }] },
  data: Buffer.from(new Float32Array(hidden).buffer),
};
const edits = {
  'without one direction': { hook_point: `resid_pre${middle}`, project_out: { directions: direction } },
  'pushed along it': {
    hook_point: `blocks.${middle}.hook_in`,
    positions: [-1],
    add_direction: { direction: hidden, coefficient: 0.5, unit: 'DIRECTION_UNIT_ACTIVATION_NORM' },
  },
  'without two heads': { hook_point: `z${middle}`, heads: [0, 1], zero: {} },
  'ten neurons doubled': { hook_point: `post${middle}`, neurons: [...Array(10).keys()], scale: { factor: 2 } },
};
for (const [name, edit] of Object.entries(edits)) {
  const edited = await loupe.inference.unary('RunForwardPass', {
    model: model.name, prompts: [{ text }], top_k: 1, interventions: [edit],
  });
  const [best] = edited.rows[0].predictions[0].top;
  console.log(`${name}: ${JSON.stringify(best.token)} ${(100 * best.probability).toFixed(1)}%`);
}

// Two continuations of one prompt at once, up to a full stop.
const continuations = [text, text];
for await (const step of loupe.inference.GenerateText({
  model: model.name, prompts: [{ text }], samples: 2, max_new_tokens: 12, temperature: 0.8, seed: 7,
  stop_strings: ['.'], repetition_penalty: 1.2,
})) {
  continuations[step.sample] += step.text;
}
continuations.forEach((continuation, i) => console.log(`continuation ${i}: ${continuation}`));

// A hook in JavaScript: the pass stops, shows its activation, and goes on with the answer.
const pass = loupe.inference.RunWithHooks();
pass.write({
  header: {
    forward_pass: { model: model.name, prompts: [{ text }], top_k: 1 },
    hook_points: [`blocks.${middle}.hook_resid_post`],
  },
});
for await (const message of pass) {
  if (message.activation) {
    const { layout, data } = message.activation.chunk;
    const halved = Buffer.from(floats(data).map((value) => value / 2).buffer);
    pass.write({ replacement: { layout, offset: 0, data: halved } });
  } else {
    const [best] = message.result.rows[0].predictions[0].top;
    console.log(`halved by a hook: ${JSON.stringify(best.token)} ${(100 * best.probability).toFixed(1)}%`);
    pass.end();
  }
}
loupe.close();
