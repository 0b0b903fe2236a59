package dev.loupe.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.arrow.flight.BackpressureStrategy;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightServer;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.NoOpFlightProducer;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Arrow Flight sending the same activations: one record batch per batch of rows, a column of
 * fixed-size lists of floats, zero-copy writing on. The client has each batch in memory of its own
 * when it goes on to the next.
 */
final class FlightRival implements AutoCloseable {
  private static final long WAIT_MILLIS = 60_000;

  private final RootAllocator allocator = new RootAllocator();
  private final ExecutorService sending = Executors.newSingleThreadExecutor();
  private final FlightServer server;
  private final FlightClient client;
  private final VectorSchemaRoot batch;
  private final int batches;

  /**
   * A server and a client that are connected.
   *
   * @param data float32 rows, sent again and again
   * @param width of a row
   * @param batches sent in one stream
   */
  FlightRival(ByteBuffer data, int width, int batches) throws IOException {
    if (!ByteBuffer.class.getModule().isOpen("java.nio", getClass().getModule())) {
      throw new IllegalStateException(
          "Arrow Flight needs the JVM option --add-opens=java.base/java.nio=ALL-UNNAMED");
    }
    this.batches = batches;
    this.batch = batch(data, width);
    this.server =
        FlightServer.builder(allocator, Location.forGrpcInsecure("127.0.0.1", 0), new Producer())
            .build()
            .start();
    this.client = FlightClient.builder(allocator, server.getLocation()).build();
  }

  private VectorSchemaRoot batch(ByteBuffer data, int width) {
    ArrowType number = new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);
    Field item = new Field("item", FieldType.notNullable(number), null);
    Field list =
        new Field(
            "activation", FieldType.notNullable(new ArrowType.FixedSizeList(width)), List.of(item));
    VectorSchemaRoot root = VectorSchemaRoot.create(new Schema(List.of(list)), allocator);
    int rows = data.remaining() / (Float.BYTES * width);
    FixedSizeListVector lists = (FixedSizeListVector) root.getVector(0);
    lists.setInitialCapacity(rows);
    lists.allocateNew();
    for (int row = 0; row < rows; row++) {
      lists.setNotNull(row);
    }
    ArrowBuf values = lists.getDataVector().getDataBuffer();
    values.setBytes(0, data.duplicate());
    ArrowBuf valid = lists.getDataVector().getValidityBuffer();
    valid.setOne(0, valid.capacity());
    lists.getDataVector().setValueCount(rows * width);
    lists.setValueCount(rows);
    root.setRowCount(rows);
    return root;
  }

  private final class Producer extends NoOpFlightProducer {
    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
      // A producer that waits on gRPC's own thread would never hear that the client is ready.
      sending.execute(
          () -> {
            BackpressureStrategy pressure = new BackpressureStrategy.CallbackBackpressureStrategy();
            pressure.register(listener);
            listener.setUseZeroCopy(true);
            listener.start(batch);
            for (int i = 0; i < batches; i++) {
              if (pressure.waitForListener(WAIT_MILLIS) != BackpressureStrategy.WaitResult.READY) {
                listener.error(CallStatus.TIMED_OUT.toRuntimeException());
                return;
              }
              listener.putNext();
            }
            listener.completed();
          });
    }
  }

  /** Receives one stream; gives the bytes of activations in it. */
  long receive() throws Exception {
    long bytes = 0;
    try (FlightStream stream = client.getStream(new Ticket(new byte[0]))) {
      while (stream.next()) {
        FixedSizeListVector lists = (FixedSizeListVector) stream.getRoot().getVector(0);
        bytes += (long) lists.getDataVector().getValueCount() * Float.BYTES;
      }
    }
    return bytes;
  }

  @Override
  public void close() throws Exception {
    client.close();
    server.close();
    sending.shutdownNow();
    batch.close();
    allocator.close();
  }
}
