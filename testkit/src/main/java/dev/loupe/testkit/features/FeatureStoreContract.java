package dev.loupe.testkit.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc.FeatureStoreServiceBlockingStub;
import dev.loupe.proto.features.v1.GetFeatureRequest;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/**
 * What the contract suites of the feature store share. Each suite is an abstract class of tests at
 * the gRPC API; a subclass says by {@link #channel()} which server they run against. Every test
 * writes to a dictionary of its own, so one server serves them all.
 */
public abstract class FeatureStoreContract {
  private static final AtomicLong DICTIONARIES = new AtomicLong();

  /** `dictionaries/{dictionary}` of this test. */
  protected final String dictionary =
      "dictionaries/contract-"
          + Long.toString(System.nanoTime(), 36)
          + "-"
          + DICTIONARIES.incrementAndGet();

  /** A channel to the server under test. */
  protected abstract Channel channel();

  /** A stub whose calls do not wait for ever. */
  protected final FeatureStoreServiceBlockingStub store() {
    return FeatureStoreServiceGrpc.newBlockingStub(channel())
        .withMaxInboundMessageSize(32 << 20)
        .withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  final void write(Feature... features) {
    store()
        .batchUpsertFeatures(
            BatchUpsertFeaturesRequest.newBuilder()
                .setParent(dictionary)
                .addAllFeatures(List.of(features))
                .build());
  }

  final Feature read(long index) {
    return store().getFeature(GetFeatureRequest.newBuilder().setName(name(index)).build());
  }

  final String name(long index) {
    return dictionary + "/features/" + index;
  }

  final Feature.Builder feature(long index) {
    return Feature.newBuilder().setName(name(index));
  }

  final FeatureLabel label(long index, String id, String text, double score) {
    return FeatureLabel.newBuilder()
        .setName(name(index) + "/labels/" + id)
        .setText(text)
        .setSource("person:ada")
        .setScore(score)
        .build();
  }

  /** The index at the end of a feature's name. */
  static long index(Feature feature) {
    return Long.parseLong(feature.getName().substring(feature.getName().lastIndexOf('/') + 1));
  }

  /**
   * Holds where a call fails with this status and reason, and a message with each of these texts.
   */
  static void assertRefused(
      Status.Code code, String reason, ThrowingCallable call, String... messageParts) {
    StatusRuntimeException error = catchThrowableOfType(StatusRuntimeException.class, call);
    assertThat(error).as("the call fails").isNotNull();
    assertThat(error.getStatus().getCode()).as("%s", error).isEqualTo(code);
    com.google.rpc.Status status = StatusProto.fromThrowable(error);
    assertThat(status).isNotNull();
    assertThat(status.getDetailsList()).as("details of %s", error).hasSize(1);
    ErrorInfo info = errorInfo(status.getDetails(0));
    assertThat(info.getDomain()).isEqualTo("loupe");
    assertThat(info.getReason()).as("%s", error).isEqualTo(reason);
    for (String part : messageParts) {
      assertThat(status.getMessage()).contains(part);
    }
  }

  private static ErrorInfo errorInfo(Any detail) {
    try {
      return detail.unpack(ErrorInfo.class);
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError("the detail is no ErrorInfo", e);
    }
  }
}
