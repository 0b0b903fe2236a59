package dev.loupe.sae.grpc;

import dev.loupe.proto.sae.v1.DeleteDictionaryRequest;
import dev.loupe.proto.sae.v1.DeleteDictionaryResponse;
import dev.loupe.proto.sae.v1.DictionaryProblem;
import dev.loupe.proto.sae.v1.FeatureVectors;
import dev.loupe.proto.sae.v1.GetDictionaryRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsResponse;
import dev.loupe.proto.sae.v1.ListDictionariesRequest;
import dev.loupe.proto.sae.v1.ListDictionariesResponse;
import dev.loupe.proto.sae.v1.SetDictionaryModelRequest;
import dev.loupe.proto.sae.v1.SetDictionaryModelResponse;
import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.corpus.HookPointInfo;
import dev.loupe.sae.corpus.ModelInfo;
import dev.loupe.sae.dictionary.DictionaryWeights;
import dev.loupe.sae.format.DictionaryDescription;
import dev.loupe.sae.format.DictionaryListing;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.Paging;
import dev.loupe.server.sharing.Claimant;
import io.grpc.Context;
import java.util.List;

/** The calls on stored dictionaries. */
final class DictionaryCalls {
  private static final int MAX_FEATURES = 256;
  private static final int MAX_PROBLEMS = 1_000;

  private final DictionaryStore dictionaries;
  private final SharedDictionaries shared;
  private final Usage usage;
  private final InferenceClient inference;
  private final Paging paging = new Paging(50, 1_000);

  DictionaryCalls(
      DictionaryStore dictionaries,
      SharedDictionaries shared,
      Usage usage,
      InferenceClient inference) {
    this.dictionaries = dictionaries;
    this.shared = shared;
    this.usage = usage;
    this.inference = inference;
  }

  dev.loupe.proto.sae.v1.Dictionary get(GetDictionaryRequest request) {
    return Messages.of(dictionaries.describe(Names.DICTIONARY.parseId("name", request.getName())));
  }

  ListDictionariesResponse list(ListDictionariesRequest request) {
    int size = paging.size(request.getPageSize());
    String after = paging.place(request, request.getPageToken());
    DictionaryListing listing = dictionaries.list();
    List<DictionaryDescription> rest =
        listing.dictionaries().stream()
            .filter(dictionary -> dictionary.id().compareTo(after) > 0)
            .limit(size + 1L)
            .toList();
    ListDictionariesResponse.Builder response = ListDictionariesResponse.newBuilder();
    rest.stream()
        .limit(size)
        .forEach(dictionary -> response.addDictionaries(Messages.of(dictionary)));
    if (rest.size() > size) {
      response.setNextPageToken(paging.token(request, rest.get(size - 1).id()));
    }
    if (request.getPageToken().isEmpty()) {
      listing.problems().stream()
          .limit(MAX_PROBLEMS)
          .forEach(
              problem ->
                  response
                      .getProblemsBuilder()
                      .addFolders(
                          DictionaryProblem.newBuilder()
                              .setFolder(problem.folder())
                              .setProblem(problem.problem())));
    }
    return response.build();
  }

  SetDictionaryModelResponse setModel(SetDictionaryModelRequest request) {
    String id = Names.DICTIONARY.parseId("name", request.getName());
    String asked = Names.MODEL.parseId("model", request.getModel());
    DictionaryDescription dictionary = dictionaries.describe(id);
    InferenceClient brief = inference.brief();
    ModelInfo model = brief.model(asked);
    String name =
        request.getHookPoint().isEmpty() ? dictionary.hookPoint() : request.getHookPoint();
    HookPointInfo hookPoint = CorpusJobs.hookPoint(brief, model.id(), name, dictionary);
    return usage.step(
        () -> {
          usage.requireDictionaryFree(request.getName());
          DictionaryDescription now =
              dictionaries.setModel(id, model.id(), model.weightsSha256(), hookPoint.name());
          return SetDictionaryModelResponse.newBuilder().setDictionary(Messages.of(now)).build();
        });
  }

  DeleteDictionaryResponse delete(DeleteDictionaryRequest request) {
    String id = Names.DICTIONARY.parseId("name", request.getName());
    return usage.step(
        () -> {
          usage.requireDictionaryFree(request.getName());
          dictionaries.delete(id);
          return DeleteDictionaryResponse.getDefaultInstance();
        });
  }

  GetFeatureVectorsResponse vectors(GetFeatureVectorsRequest request) {
    String id = Names.DICTIONARY.parseId("dictionary", request.getDictionary());
    if (request.getFeaturesCount() < 1 || request.getFeaturesCount() > MAX_FEATURES) {
      throw LoupeException.invalidValue(
          "features", request.getFeaturesCount() + " indices", "1 to " + MAX_FEATURES);
    }
    Context context = Context.current();
    Claimant client =
        Claimant.of(
            "clients",
            () -> {
              if (context.isCancelled()) {
                throw LoupeException.of(ErrorReason.CALL_CANCELLED, "the client went away");
              }
            });
    try (SharedDictionaries.Use use = shared.use(id, client)) {
      return vectors(request, use.dictionary().weights());
    }
  }

  private static GetFeatureVectorsResponse vectors(
      GetFeatureVectorsRequest request, DictionaryWeights weights) {
    GetFeatureVectorsResponse.Builder response = GetFeatureVectorsResponse.newBuilder();
    for (int i = 0; i < request.getFeaturesCount(); i++) {
      response.addFeatures(vectors(weights, "features[" + i + "]", request.getFeatures(i)));
    }
    for (float value : weights.decoderBias()) {
      response.addDecoderBias(value);
    }
    return response.setSubtractsDecoderBias(weights.subtractsDecoderBias()).build();
  }

  private static FeatureVectors vectors(DictionaryWeights weights, String field, int feature) {
    if (feature < 0 || feature >= weights.dSae()) {
      throw LoupeException.invalid(
          ErrorReason.FEATURE_NOT_FOUND, field, feature, "0 to " + (weights.dSae() - 1));
    }
    FeatureVectors.Builder vectors =
        FeatureVectors.newBuilder()
            .setFeature(feature)
            .setEncoderBias(weights.encoderBias()[feature]);
    for (int i = feature * weights.dIn(); i < (feature + 1) * weights.dIn(); i++) {
      vectors.addEncoder(weights.encoder()[i]);
      vectors.addDecoder(weights.decoder()[i]);
    }
    return vectors.build();
  }
}
