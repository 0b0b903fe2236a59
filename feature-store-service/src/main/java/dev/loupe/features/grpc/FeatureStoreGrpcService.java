package dev.loupe.features.grpc;

import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureMatches;
import dev.loupe.features.domain.FeatureNotFoundException;
import dev.loupe.features.domain.FeaturePage;
import dev.loupe.features.domain.FeatureQuery;
import dev.loupe.features.domain.FeatureRepository;
import dev.loupe.features.domain.FeatureView;
import dev.loupe.features.domain.StoredFeature;
import dev.loupe.features.domain.WordField;
import dev.loupe.proto.features.v1.BatchGetFeaturesRequest;
import dev.loupe.proto.features.v1.BatchGetFeaturesResponse;
import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.BatchUpsertFeaturesResponse;
import dev.loupe.proto.features.v1.BatchUpsertLabelsRequest;
import dev.loupe.proto.features.v1.BatchUpsertLabelsResponse;
import dev.loupe.proto.features.v1.DeleteFeatureRequest;
import dev.loupe.proto.features.v1.DeleteFeatureResponse;
import dev.loupe.proto.features.v1.DeleteFeaturesRequest;
import dev.loupe.proto.features.v1.DeleteFeaturesResponse;
import dev.loupe.proto.features.v1.DeleteLabelRequest;
import dev.loupe.proto.features.v1.DeleteLabelResponse;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureMatch;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc.FeatureStoreServiceImplBase;
import dev.loupe.proto.features.v1.GetFeatureRequest;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.ListFeaturesResponse;
import dev.loupe.proto.features.v1.SearchFeaturesRequest;
import dev.loupe.proto.features.v1.SearchFeaturesResponse;
import dev.loupe.server.errors.LoupeException;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.function.Supplier;

/** The gRPC side of the feature store. */
public final class FeatureStoreGrpcService extends FeatureStoreServiceImplBase {
  private final FeatureRepository repository;

  /** Serves what a repository keeps. */
  public FeatureStoreGrpcService(FeatureRepository repository) {
    this.repository = repository;
  }

  @Override
  public void batchUpsertFeatures(
      BatchUpsertFeaturesRequest request, StreamObserver<BatchUpsertFeaturesResponse> responses) {
    answer(
        responses,
        () -> {
          String dictionary = FeatureNames.dictionary("parent", request.getParent());
          repository.upsert(dictionary, RequestParser.features(dictionary, request));
          return BatchUpsertFeaturesResponse.getDefaultInstance();
        });
  }

  @Override
  public void getFeature(GetFeatureRequest request, StreamObserver<Feature> responses) {
    answer(
        responses,
        () -> {
          FeatureId id = FeatureNames.feature("name", request.getName());
          return repository
              .get(id, FeatureView.FULL)
              .map(FeatureRenderer::message)
              .orElseThrow(() -> new FeatureNotFoundException(id));
        });
  }

  @Override
  public void batchGetFeatures(
      BatchGetFeaturesRequest request, StreamObserver<BatchGetFeaturesResponse> responses) {
    answer(
        responses,
        () -> {
          List<StoredFeature> features =
              repository.get(
                  FeatureNames.dictionary("parent", request.getParent()),
                  RequestParser.indices(request),
                  RequestParser.view(request.getView(), FeatureView.FULL));
          BatchGetFeaturesResponse.Builder response = BatchGetFeaturesResponse.newBuilder();
          features.forEach(feature -> response.addFeatures(FeatureRenderer.message(feature)));
          return response.build();
        });
  }

  @Override
  public void listFeatures(
      ListFeaturesRequest request, StreamObserver<ListFeaturesResponse> responses) {
    answer(
        responses,
        () -> {
          FeatureQuery query = RequestParser.query(request);
          FeaturePage page = repository.list(query);
          List<Feature> messages = page.features().stream().map(FeatureRenderer::message).toList();
          int count = PageCut.count(messages);
          ListFeaturesResponse.Builder response =
              ListFeaturesResponse.newBuilder().addAllFeatures(messages.subList(0, count));
          if (page.more() || count < messages.size()) {
            response.setNextPageToken(
                PageTokens.token(request, query.order().after(page.features().get(count - 1))));
          }
          return response.build();
        });
  }

  @Override
  public void searchFeatures(
      SearchFeaturesRequest request, StreamObserver<SearchFeaturesResponse> responses) {
    answer(
        responses,
        () -> {
          var search = RequestParser.search(request);
          FeatureMatches found = repository.search(search);
          double best = search.words().size() * WordField.MAX_POINTS;
          List<FeatureMatch> messages =
              found.matches().stream()
                  .map(
                      match ->
                          FeatureMatch.newBuilder()
                              .setFeature(FeatureRenderer.message(match.feature()))
                              .setRelevance(match.points() / best)
                              .build())
                  .toList();
          int count = PageCut.count(messages);
          SearchFeaturesResponse.Builder response =
              SearchFeaturesResponse.newBuilder().addAllMatches(messages.subList(0, count));
          if (found.more() || count < messages.size()) {
            response.setNextPageToken(
                PageTokens.token(request, found.matches().get(count - 1).position()));
          }
          return response.build();
        });
  }

  @Override
  public void deleteFeature(
      DeleteFeatureRequest request, StreamObserver<DeleteFeatureResponse> responses) {
    answer(
        responses,
        () -> {
          repository.delete(FeatureNames.feature("name", request.getName()));
          return DeleteFeatureResponse.getDefaultInstance();
        });
  }

  @Override
  public void deleteFeatures(
      DeleteFeaturesRequest request, StreamObserver<DeleteFeaturesResponse> responses) {
    answer(
        responses,
        () ->
            DeleteFeaturesResponse.newBuilder()
                .setDeleted(
                    repository.deleteAll(FeatureNames.dictionary("parent", request.getParent())))
                .build());
  }

  @Override
  public void batchUpsertLabels(
      BatchUpsertLabelsRequest request, StreamObserver<BatchUpsertLabelsResponse> responses) {
    answer(
        responses,
        () -> {
          String dictionary = FeatureNames.dictionary("parent", request.getParent());
          repository.upsertLabels(dictionary, RequestParser.labels(dictionary, request));
          return BatchUpsertLabelsResponse.getDefaultInstance();
        });
  }

  @Override
  public void deleteLabel(
      DeleteLabelRequest request, StreamObserver<DeleteLabelResponse> responses) {
    answer(
        responses,
        () -> {
          FeatureNames.LabelName name = FeatureNames.label("name", request.getName());
          repository.deleteLabel(name.feature(), name.label());
          return DeleteLabelResponse.getDefaultInstance();
        });
  }

  /** Sends one answer. Errors leave as exceptions, which the server turns into statuses. */
  private static <T> void answer(StreamObserver<T> responses, Supplier<T> work) {
    T response;
    try {
      response = work.get();
    } catch (LoupeException e) {
      throw e;
    } catch (RuntimeException e) {
      throw DomainErrors.translated(e);
    }
    responses.onNext(response);
    responses.onCompleted();
  }
}
