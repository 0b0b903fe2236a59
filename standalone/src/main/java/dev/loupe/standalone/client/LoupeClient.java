package dev.loupe.standalone.client;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Loupe behind its gateway's address. Close it to hang up. */
public final class LoupeClient implements AutoCloseable {
  private static final int LARGEST_MESSAGE_BYTES = 8 << 20;
  private static final int FLOW_CONTROL_WINDOW_BYTES = 8 << 20;

  private final ManagedChannel channel;

  /** Connects on the first call. */
  public LoupeClient(InetSocketAddress gateway) {
    channel =
        NettyChannelBuilder.forAddress(gateway)
            .usePlaintext()
            .maxInboundMessageSize(LARGEST_MESSAGE_BYTES)
            .flowControlWindow(FLOW_CONTROL_WINDOW_BYTES)
            .build();
  }

  /** Names of the loaded models. */
  public List<String> models() {
    return ModelClient.loaded(channel);
  }

  /**
   * Has a model loaded and waits until it serves.
   *
   * @return its name, {@code models/{model}}
   * @throws io.grpc.StatusRuntimeException when it cannot be loaded
   */
  public String load(ModelLoad load, ModelLoad.Steps steps) {
    return ModelClient.load(channel, load, steps);
  }

  /** One model's answers. */
  public ModelClient model(String name) {
    return new ModelClient(channel, name);
  }

  /** One model's activations. */
  public ActivationStream activations(String model) {
    return new ActivationStream(channel, model);
  }

  /** Corpora and dictionaries. */
  public DictionaryClient dictionaries() {
    return new DictionaryClient(channel);
  }

  /** One dictionary's features. */
  public FeatureClient features(String dictionary) {
    return new FeatureClient(channel, dictionary);
  }

  /** Calls that join the services. */
  public AnalysisClient analysis() {
    return new AnalysisClient(channel);
  }

  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
