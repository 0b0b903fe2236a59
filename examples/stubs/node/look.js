// Looks into a model with generated stubs: node look.js [HOST:PORT] [PROMPT], after npm ci and npm run generate.
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { InferenceService } from './gen/loupe/inference/v1/inference_pb.js';

const [address = '127.0.0.1:8080', text = 'The capital of Texas is'] = process.argv.slice(2);
const inference = createClient(InferenceService, createGrpcTransport({ baseUrl: `http://${address}` }));
const prompts = [{ content: { case: 'text', value: text } }];

const { models } = await inference.listModels({});
const model = models[0].name;
console.log(`${model}: ${models[0].layers} layers`);
const answer = await inference.runForwardPass({
  model, prompts, topK: 3, captures: [{ hookPoint: 'blocks.0.hook_resid_post', positions: [-1] }],
});
for (const { token, probability } of answer.rows[0].predictions[0].top) {
  console.log(`  ${JSON.stringify(token)} ${(100 * probability).toFixed(1)} %`);
}
console.log(`${answer.activations[0].hookPoint}: ${answer.activations[0].value.data.length} bytes`);
let continued = text;
for await (const step of inference.generateText({ model, prompts, maxNewTokens: 8 })) continued += step.text;
console.log('continued:', continued);
