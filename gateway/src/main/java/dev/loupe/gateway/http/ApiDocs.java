package dev.loupe.gateway.http;

import com.linecorp.armeria.server.docs.DocService;
import com.linecorp.armeria.server.docs.DocServiceBuilder;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.gateway.v1.GatewayServiceGrpc;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;

/** The interactive documentation of every call, with requests to start from. */
final class ApiDocs {
  private ApiDocs() {}

  static DocService service() {
    DocServiceBuilder docs = DocService.builder().webAppTitle("Loupe");
    String inference = InferenceServiceGrpc.SERVICE_NAME;
    example(docs, inference, "ListModels", "{}");
    example(docs, inference, "GetModel", "{\"name\": \"models/loupe-demo\"}");
    example(docs, inference, "ListHookPoints", "{\"model\": \"models/loupe-demo\"}");
    example(
        docs,
        inference,
        "Tokenize",
        "{\"model\": \"models/loupe-demo\", \"texts\": [\"The capital of Texas is\"]}");
    example(
        docs,
        inference,
        "RunForwardPass",
        "{\"model\": \"models/loupe-demo\", \"prompts\": [{\"text\": \"The capital of Texas is\"}],"
            + " \"topK\": 5}");
    example(
        docs,
        AttributionServiceGrpc.SERVICE_NAME,
        "ComputeLogitLens",
        "{\"model\": \"models/loupe-demo\", \"prompt\": {\"text\": \"The capital of Texas is\"},"
            + " \"topK\": 3}");
    example(
        docs,
        HeadServiceGrpc.SERVICE_NAME,
        "ScoreHeads",
        "{\"model\": \"models/loupe-demo\", \"pattern\": \"HEAD_PATTERN_REPEATED_RANDOM\","
            + " \"randomRepeats\": {\"length\": 20, \"sequences\": 8, \"seed\": 1}}");
    String sae = SaeServiceGrpc.SERVICE_NAME;
    example(docs, sae, "ListDictionaries", "{}");
    example(docs, sae, "GetDictionary", "{\"name\": \"dictionaries/demo\"}");
    String features = FeatureStoreServiceGrpc.SERVICE_NAME;
    example(
        docs,
        features,
        "ListFeatures",
        "{\"parent\": \"dictionaries/demo\", \"orderBy\": \"density desc\", \"pageSize\": 10}");
    example(docs, features, "GetFeature", "{\"name\": \"dictionaries/demo/features/0\"}");
    example(
        docs,
        features,
        "SearchFeatures",
        "{\"parent\": \"dictionaries/demo\", \"query\": \"capital\"}");
    example(
        docs,
        GatewayServiceGrpc.SERVICE_NAME,
        "AnalyzePrompt",
        "{\"model\": \"models/loupe-demo\", \"dictionary\": \"dictionaries/demo\","
            + " \"prompt\": \"The capital of Texas is\"}");
    return docs.build();
  }

  private static void example(
      DocServiceBuilder docs, String service, String method, String request) {
    docs.exampleRequests(service, method, request);
  }
}
