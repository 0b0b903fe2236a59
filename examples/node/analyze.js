// Looks into a model from Node.
//
//   npm ci && node analyze.js [HOST:PORT] [PROMPT]
import { connect, floats } from './loupe-client.js';

const address = process.argv[2] ?? '127.0.0.1:8080';
const text = process.argv[3] ?? 'The capital of Texas is';

const loupe = await connect(address);
const [model] = (await loupe.inference.unary('ListModels', {})).models;
console.log(`${model.name}: ${model.layers} layers, ${model.heads} heads, ${model.parameters} parameters`);

// One pass: the likeliest next tokens, and an activation.
const hookPoint = `blocks.${model.layers - 1}.hook_resid_post`;
const answer = await loupe.inference.unary('RunForwardPass', {
  model: model.name,
  prompts: [{ text }],
  top_k: 5,
  captures: [{ hook_point: hookPoint }],
});
console.log('tokens:', answer.rows[0].tokens);
for (const score of answer.rows[0].predictions[0].top) {
  console.log(`  ${JSON.stringify(score.token).padEnd(16)} ${(100 * score.probability).toFixed(2)}%`);
}
const { layout, data } = answer.activations[0].value;
const sizes = layout.axes.map((axis) => `${axis.name} ${axis.size}`).join(', ');
console.log(`${hookPoint} [${sizes}] starts with`, Array.from(floats(data).slice(0, 4)));

// What the model would say after each layer, at the last token.
const lens = await loupe.attribution.unary('ComputeLogitLens', {
  model: model.name, prompt: { text }, top_k: 1, positions: [-1],
});
for (const layer of lens.layers) {
  const [best] = layer.positions[0].top;
  console.log(`${layer.hook_point}: ${JSON.stringify(best.token)} ${(100 * best.probability).toFixed(1)}%`);
}

// A stream: a sampled continuation, token by token.
process.stdout.write(`continued: ${text}`);
const steps = loupe.inference.GenerateText({
  model: model.name, prompts: [{ text }], max_new_tokens: 12, temperature: 0.8, seed: 7,
});
for await (const step of steps) {
  process.stdout.write(step.text);
}
console.log();

// The features that fire, where a dictionary has been trained.
const { dictionaries } = await loupe.sae.unary('ListDictionaries', {});
const dictionary = dictionaries.find((d) => d.model === model.name);
if (dictionary) {
  const analysis = await loupe.gateway.unary('AnalyzePrompt', {
    model: model.name, dictionary: dictionary.name, prompt: text, top_features: 1,
  });
  for (const token of analysis.tokens) {
    const [feature] = token.features;
    console.log(JSON.stringify(token.token), feature ? `${feature.name} ${feature.labels[0]?.text ?? 'no label'}` : '');
  }
} else {
  console.log('no dictionary has been trained for this model yet: ./loupe demo, for your own model with --model and --corpus, trains one');
}

// Errors have a gRPC code, and say what would be right.
try {
  await loupe.inference.unary('GetModel', { name: 'models/nope' });
} catch (error) {
  console.log(`error ${error.code}: ${error.details}`);
}
loupe.close();
