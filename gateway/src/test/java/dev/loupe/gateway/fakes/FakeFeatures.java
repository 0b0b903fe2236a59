package dev.loupe.gateway.fakes;

import dev.loupe.proto.features.v1.BatchGetFeaturesRequest;
import dev.loupe.proto.features.v1.BatchGetFeaturesResponse;
import dev.loupe.proto.features.v1.DeleteFeatureRequest;
import dev.loupe.proto.features.v1.DeleteFeatureResponse;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.FeatureView;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.ListFeaturesResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A feature store that knows a label for every letter, and nothing of a dictionary named unread.
 */
public final class FakeFeatures extends FeatureStoreServiceGrpc.FeatureStoreServiceImplBase {
  /** Names that were deleted. */
  public final List<String> deleted = new CopyOnWriteArrayList<>();

  @Override
  public void batchGetFeatures(
      BatchGetFeaturesRequest request, StreamObserver<BatchGetFeaturesResponse> out) {
    BatchGetFeaturesResponse.Builder response = BatchGetFeaturesResponse.newBuilder();
    boolean basic = request.getView() == FeatureView.FEATURE_VIEW_BASIC;
    for (long feature : request.getFeaturesList()) {
      if (basic
          && Character.isLetter((int) feature)
          && !request.getParent().equals("dictionaries/unread")) {
        String name = request.getParent() + "/features/" + feature;
        response.addFeatures(
            Feature.newBuilder()
                .setName(name)
                .addLabels(
                    FeatureLabel.newBuilder()
                        .setName(name + "/labels/letter")
                        .setText("the letter " + (char) feature)
                        .setSource("alphabet")
                        .setScore(0.75)));
      }
    }
    out.onNext(response.build());
    out.onCompleted();
  }

  @Override
  public void listFeatures(ListFeaturesRequest request, StreamObserver<ListFeaturesResponse> out) {
    // Says back what was asked, so that tests see how a query string was read.
    out.onNext(
        ListFeaturesResponse.newBuilder()
            .addFeatures(Feature.newBuilder().setName(request.getParent()))
            .setNextPageToken(
                request.getPageSize() + "|" + request.getOrderBy() + "|" + request.getView())
            .build());
    out.onCompleted();
  }

  @Override
  public void deleteFeature(
      DeleteFeatureRequest request, StreamObserver<DeleteFeatureResponse> out) {
    deleted.add(request.getName());
    out.onNext(DeleteFeatureResponse.getDefaultInstance());
    out.onCompleted();
  }
}
