// The calls that this page makes, all of them JSON forms of the gateway's gRPC API.

/** An answer that is an error, with its reason. */
export class ApiError extends Error {
  constructor(status, message, reason) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export const listModels = () => call('GET', '/v1/models?pageSize=100');

export const listDictionaries = () => call('GET', '/v1/dictionaries?pageSize=1000');

export const tokenize = (model, text) =>
  call('POST', `/v1/${model}:tokenize`, { texts: [text] });

export const runForwardPass = (model, text, topK, predictionPositions) =>
  call('POST', `/v1/${model}:runForwardPass`, { prompts: [{ text }], topK, predictionPositions });

export const computeLogitLens = (model, text, positions) =>
  call('POST', `/v1/${model}:computeLogitLens`, { prompt: { text }, topK: 5, positions });

export const analyzePrompt = (model, dictionary, prompt, topFeatures) =>
  call('POST', `/v1/${model}:analyzePrompt`, {
    dictionary,
    prompt,
    topPredictions: 10,
    topFeatures,
  });

export const getFeature = (name) => call('GET', `/v1/${name}`);

/** Everything about several features; those that are not stored are left out. */
export const batchGetFeatures = (dictionary, indices) => {
  const features = indices.map((index) => `features=${index}`).join('&');
  return call('GET', `/v1/${dictionary}/features:batchGet?view=FEATURE_VIEW_FULL&${features}`);
};

export const searchFeatures = (dictionary, query) =>
  call('GET', `/v1/${dictionary}/features:search?pageSize=20&query=${encodeURIComponent(query)}`);

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError('OFFLINE', 'The gateway does not answer. Is Loupe still running?', 'OFFLINE');
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) {
    return answer;
  }
  const error = answer?.error ?? {};
  const reason = (error.details ?? []).find((detail) => detail.reason)?.reason ?? '';
  throw new ApiError(error.status ?? '', error.message ?? `HTTP ${response.status}`, reason);
}
