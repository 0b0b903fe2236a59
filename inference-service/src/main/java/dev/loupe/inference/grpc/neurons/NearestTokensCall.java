package dev.loupe.inference.grpc.neurons;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.neurons.EmbeddingTable;
import dev.loupe.inference.neurons.NearestTokens;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.EmbeddingTerm;
import dev.loupe.proto.inference.v1.FindNearestTokensRequest;
import dev.loupe.proto.inference.v1.FindNearestTokensResponse;
import dev.loupe.proto.inference.v1.NearToken;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** FindNearestTokens. */
final class NearestTokensCall {
  private static final int MAX_TERMS = 64;
  private static final int MAX_TOP_K = 1_000;
  private static final int DEFAULT_TOP_K = 10;

  /** Rows of a table that are looked at together, with their copies. */
  private static final long ROWS_AT_ONCE = 3 * 8192;

  private final ModelLookup models;
  private final DeviceRunner device;

  NearestTokensCall(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  /** A term: a token, or -1 with a vector of its own. */
  private record Term(int token, float[] vector, float weight) {}

  FindNearestTokensResponse run(FindNearestTokensRequest request) {
    ServedModel model = models.named("model", request.getModel());
    Checks.size("terms", request.getTermsCount(), 1, MAX_TERMS);
    List<Term> terms = new ArrayList<>();
    for (int i = 0; i < request.getTermsCount(); i++) {
      terms.add(term(model, "terms[" + i + "]", request.getTerms(i)));
    }
    int topK = Checks.count("top_k", request.getTopK(), MAX_TOP_K, DEFAULT_TOP_K);
    NearestTokens search =
        new NearestTokens(model.transformer(), table(request), similarity(request));
    Set<Integer> excluded = new HashSet<>();
    if (!request.getIncludeTerms()) {
      terms.stream().filter(term -> term.vector() == null).forEach(t -> excluded.add(t.token()));
    }
    Call call = Tenants.current();
    long bytes = Float.BYTES * ROWS_AT_ONCE * model.config().dModel();
    List<NearestTokens.Near> found =
        DomainErrors.translated(
            () ->
                device.run(
                    call,
                    PassCost.ofWork(bytes, "give the server more memory for requests"),
                    new Work(model.id(), 0, 0),
                    turn -> {
                      try (NDManager scope = model.newScope()) {
                        float[] query = sum(search, scope, terms, model.config().dModel());
                        return search.find(scope, query, topK, excluded);
                      }
                    }));
    FindNearestTokensResponse.Builder response =
        FindNearestTokensResponse.newBuilder().setProvenance(Provenances.of(model));
    for (NearestTokens.Near near : found) {
      response.addTokens(
          NearToken.newBuilder()
              .setId(near.id())
              .setToken(model.tokenizer().text(near.id()))
              .setSimilarity(near.similarity()));
    }
    return response.build();
  }

  private static float[] sum(NearestTokens search, NDManager scope, List<Term> terms, int width) {
    float[] sum = new float[width];
    for (Term term : terms) {
      float[] vector = term.vector() != null ? term.vector() : search.vector(scope, term.token());
      for (int i = 0; i < width; i++) {
        sum[i] += term.weight() * vector[i];
      }
    }
    for (int i = 0; i < width; i++) {
      if (!Float.isFinite(sum[i])) {
        Checks.finite("the sum of the terms at entry " + i, sum[i]);
      }
    }
    return sum;
  }

  private static Term term(ServedModel model, String field, EmbeddingTerm term) {
    float weight = term.hasWeight() ? term.getWeight() : 1;
    Checks.finite(field + ".weight", weight);
    return switch (term.getVectorCase()) {
      case TOKEN -> {
        Checks.token(field + ".token", term.getToken(), model.config().vocabularySize());
        yield new Term(term.getToken(), null, weight);
      }
      case TEXT -> new Term(onlyToken(model, field + ".text", term.getText()), null, weight);
      case VALUES ->
          new Term(-1, vector(model, field + ".values", term.getValues().getValuesList()), weight);
      case VECTOR_NOT_SET ->
          throw LoupeException.of(
                  ErrorReason.INVALID_VALUE, field + " is empty; set token, text or values")
              .with("field", field);
    };
  }

  private static int onlyToken(ServedModel model, String field, String text) {
    int width = model.config().contextLength();
    if (text.isEmpty() || model.tokenizer().fewestTokens(text) > width) {
      throw LoupeException.invalidValue(field, text, "a text that is exactly one token");
    }
    int[] ids = DomainErrors.translated(() -> model.tokenizer().encode(text).ids());
    if (ids.length != 1) {
      List<String> pieces = IntStream.of(ids).limit(10).mapToObj(model.tokenizer()::text).toList();
      throw LoupeException.of(
              ErrorReason.INVALID_VALUE,
              "%s is %d tokens, %s; give a text that is exactly one"
                  .formatted(field, ids.length, pieces))
          .with("field", field);
    }
    Checks.token(field, ids[0], model.config().vocabularySize());
    return ids[0];
  }

  private static float[] vector(ServedModel model, String field, List<Float> values) {
    int width = model.config().dModel();
    if (values.size() != width) {
      throw LoupeException.of(
              ErrorReason.WRONG_SHAPE,
              "%s has %d numbers; give %d".formatted(field, values.size(), width))
          .with("field", field);
    }
    float[] vector = new float[width];
    for (int i = 0; i < width; i++) {
      vector[i] = values.get(i);
      if (!Float.isFinite(vector[i])) {
        Checks.finite(field + "[" + i + "]", vector[i]);
      }
    }
    return vector;
  }

  private static EmbeddingTable table(FindNearestTokensRequest request) {
    return switch (request.getTable()) {
      case EMBEDDING_TABLE_UNSPECIFIED, EMBEDDING_TABLE_TOKEN -> EmbeddingTable.TOKEN;
      case EMBEDDING_TABLE_UNEMBEDDING -> EmbeddingTable.UNEMBEDDING;
      case UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "table", request.getTableValue(), "TOKEN or UNEMBEDDING");
    };
  }

  private static NearestTokens.Similarity similarity(FindNearestTokensRequest request) {
    return switch (request.getSimilarity()) {
      case SIMILARITY_UNSPECIFIED, SIMILARITY_COSINE -> NearestTokens.Similarity.COSINE;
      case SIMILARITY_DOT -> NearestTokens.Similarity.DOT;
      case UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "similarity", request.getSimilarityValue(), "COSINE or DOT");
    };
  }
}
