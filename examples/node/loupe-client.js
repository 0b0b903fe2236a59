// Loupe's API in Node, with no generated code and no files: the server itself says what it serves.
//
//   const loupe = await connect('127.0.0.1:8080');
//   const { models } = await loupe.inference.unary('ListModels', {});
//   for await (const step of loupe.inference.GenerateText({ ... })) { ... }
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const SERVICES = {
  inference: 'loupe.inference.v1.InferenceService',
  attribution: 'loupe.inference.v1.AttributionService',
  patching: 'loupe.inference.v1.PatchingService',
  heads: 'loupe.inference.v1.HeadService',
  neurons: 'loupe.inference.v1.NeuronService',
  sae: 'loupe.sae.v1.SaeService',
  operations: 'google.longrunning.Operations',
  features: 'loupe.features.v1.FeatureStoreService',
  gateway: 'loupe.gateway.v1.GatewayService',
};

// Fields have the names that they have in the .proto files.
const OPTIONS = { keepCase: true, longs: Number, enums: String, bytes: Buffer, defaults: true, arrays: true, oneofs: true };
const LARGEST_ANSWER = { 'grpc.max_receive_message_length': 16 << 20 };

// The part of grpc.reflection.v1 that is needed to ask for a service's files.
const REFLECTION = protoLoader.fromJSON({
  nested: {
    grpc: { nested: { reflection: { nested: { v1: { nested: {
      ServerReflection: { methods: { ServerReflectionInfo: {
        requestType: 'Request', requestStream: true, responseType: 'Response', responseStream: true } } },
      Request: { fields: { file_containing_symbol: { type: 'string', id: 4 } } },
      Response: { fields: { files: { type: 'Files', id: 4 }, error: { type: 'Failure', id: 7 } } },
      Files: { fields: { descriptors: { rule: 'repeated', type: 'bytes', id: 1 } } },
      Failure: { fields: { message: { type: 'string', id: 2 } } },
    } } } } } },
  },
}, OPTIONS);

/** Clients of all services behind one gateway, by the names above. */
export async function connect(address) {
  const credentials = grpc.credentials.createInsecure();
  const { ServerReflection } = grpc.loadPackageDefinition(REFLECTION).grpc.reflection.v1;
  const reflection = new ServerReflection(address, credentials);
  const clients = {};
  for (const [name, fullName] of Object.entries(SERVICES)) {
    const files = await filesOf(reflection, fullName);
    const types = grpc.loadPackageDefinition(protoLoader.loadFileDescriptorSetFromBuffer(files, OPTIONS));
    const Client = fullName.split('.').reduce((found, part) => found[part], types);
    clients[name] = new Client(address, credentials, LARGEST_ANSWER);
    clients[name].unary = (method, request) => new Promise((resolve, reject) => {
      clients[name][method](request, (error, response) => (error ? reject(error) : resolve(response)));
    });
  }
  reflection.close();
  clients.close = () => Object.keys(SERVICES).forEach((name) => clients[name].close());
  return clients;
}

/** A google.protobuf.FileDescriptorSet with a service's file and all that it imports. */
async function filesOf(reflection, service) {
  const call = reflection.ServerReflectionInfo();
  call.write({ file_containing_symbol: service });
  call.end();
  for await (const { files, error } of call) {
    if (error) {
      throw new Error(error.message);
    }
    // Field 1 of the set, once for each file: its tag, its length, its bytes.
    return Buffer.concat(files.descriptors.flatMap((file) => [Buffer.from([0x0a]), varint(file.length), file]));
  }
  throw new Error(`the server says nothing of ${service}`);
}

function varint(number) {
  const bytes = [];
  for (let rest = number; ; rest >>>= 7) {
    if (rest < 0x80) {
      return Buffer.from([...bytes, rest]);
    }
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** Raw F32 bytes, little-endian, as numbers. */
export function floats(data) {
  const values = new Float32Array(data.length / 4);
  values.forEach((_, i) => { values[i] = data.readFloatLE(4 * i); });
  return values;
}
