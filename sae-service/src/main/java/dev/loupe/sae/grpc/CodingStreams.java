package dev.loupe.sae.grpc;

import dev.loupe.proto.sae.v1.DecodeFeaturesRequest;
import dev.loupe.proto.sae.v1.DecodeFeaturesResponse;
import dev.loupe.proto.sae.v1.DictionaryHeader;
import dev.loupe.proto.sae.v1.EncodeActivationsRequest;
import dev.loupe.proto.sae.v1.EncodeActivationsResponse;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.sae.SaeMetrics;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.NeedsInputException;
import dev.loupe.sae.dictionary.SparseFeatures;
import dev.loupe.sae.memory.MemoryNeeds;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.Claimant;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.sharing.MemoryNeed;
import dev.loupe.server.streams.InboundStream;
import dev.loupe.server.streams.StreamSender;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorAssembler;
import dev.loupe.tensor.grpc.TensorMessages;
import dev.loupe.tensor.grpc.TensorWireException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** EncodeActivations and DecodeFeatures. */
final class CodingStreams {
  private static final long MAX_BATCH_BYTES = 64L << 20;
  private static final int MAX_ENTRIES_IN_MESSAGE = 100_000;

  /** As many as the pre-activations that a dictionary makes at once. */
  private static final int MAX_FEATURES_AT_ONCE = 4 << 20;

  /** In whose name streams wait for memory: first come, first served. */
  private static final String CLIENTS = "clients";

  private static final Duration BATCH_PATIENCE = Duration.ofMinutes(1);

  private final SharedDictionaries dictionaries;
  private final MemoryBudget budget;
  private final SaeMetrics metrics;

  CodingStreams(SharedDictionaries dictionaries, MemoryBudget budget, SaeMetrics metrics) {
    this.dictionaries = dictionaries;
    this.budget = budget;
    this.metrics = metrics;
  }

  void encode(
      InboundStream<EncodeActivationsRequest> requests,
      StreamSender<EncodeActivationsResponse> responses) {
    if (!requests.hasNext()) {
      return;
    }
    EncodeActivationsRequest first = requests.next();
    Claimant client = Claimant.of(CLIENTS, responses::throwIfCancelled);
    try (SharedDictionaries.Use use = dictionary(first.hasHeader(), first.getHeader(), client)) {
      for (long batch = 0; requests.hasNext(); batch++) {
        TensorChunk chunk = chunk(requests.next());
        try (MemoryBudget.Reservation memory =
            budget.reserve(need(chunk.getLayout(), use.dictionary()), client)) {
          encode(batch, activations(batch, chunk, requests, use.dictionary()), use, responses);
        }
      }
    }
  }

  /** All activations of a batch; once it has begun, its client is waited for a minute at most. */
  private static FloatRows activations(
      long batch,
      TensorChunk first,
      InboundStream<EncodeActivationsRequest> requests,
      Dictionary dictionary) {
    TensorAssembler assembler = new TensorAssembler(MAX_BATCH_BYTES);
    Optional<LabelledTensor> whole = whole(assembler, first);
    while (whole.isEmpty()) {
      Optional<EncodeActivationsRequest> next = requests.poll(BATCH_PATIENCE);
      if (next.isEmpty()) {
        throw requests.isFinished()
            ? LoupeException.of(
                ErrorReason.INVALID_VALUE,
                "the stream ends within batch %d; send all bytes that its layout announces"
                    .formatted(batch))
            : LoupeException.of(
                ErrorReason.CLIENT_TOO_SLOW,
                "nothing of batch %d came for %d s; send a batch without pauses"
                    .formatted(batch, BATCH_PATIENCE.toSeconds()));
      }
      whole = whole(assembler, chunk(next.get()));
    }
    return activations(whole.get(), dictionary.dIn());
  }

  private static TensorChunk chunk(EncodeActivationsRequest request) {
    if (!request.hasActivations()) {
      throw LoupeException.invalidValue(
          "a message after the header", request.getMessageCase(), "activations");
    }
    return request.getActivations();
  }

  /** What a batch takes; of one that cannot be read, little: it is refused when it is. */
  private static MemoryNeed need(TensorLayout layout, Dictionary dictionary) {
    long elements = 1;
    for (Axis axis : layout.getAxesList()) {
      elements = axis.getSize() < 0 || elements > MAX_BATCH_BYTES ? 0 : elements * axis.getSize();
    }
    long rows = Math.min(elements, MAX_BATCH_BYTES) / dictionary.dIn();
    return MemoryNeeds.encoding(
        rows * dictionary.dIn() * Float.BYTES,
        rows,
        dictionary.dIn(),
        dictionary.architecture(),
        dictionary.dSae(),
        rowsAtOnce(dictionary));
  }

  /** Rows whose features stay within bounds however many are active. */
  private static int rowsAtOnce(Dictionary dictionary) {
    return Math.max(1, MAX_FEATURES_AT_ONCE / dictionary.dSae());
  }

  private void encode(
      long batch,
      FloatRows activations,
      SharedDictionaries.Use use,
      StreamSender<EncodeActivationsResponse> responses) {
    int atOnce = rowsAtOnce(use.dictionary());
    int row = 0;
    do {
      int count = Math.min(atOnce, activations.rows() - row);
      FloatRows part = count == activations.rows() ? activations : activations.slice(row, count);
      long start = System.nanoTime();
      SparseFeatures features = use.dictionary().encode(part);
      if (!features.isFinite()) {
        throw overflow("the features of batch " + batch);
      }
      metrics.encoded(count, Duration.ofNanos(System.nanoTime() - start));
      row += count;
      send(batch, features, row == activations.rows(), responses);
    } while (row < activations.rows());
  }

  private static Optional<LabelledTensor> whole(TensorAssembler assembler, TensorChunk chunk) {
    try {
      return assembler.add(chunk);
    } catch (TensorWireException e) {
      throw LoupeException.of(
          e.isTooLarge() ? ErrorReason.MESSAGE_TOO_LARGE : ErrorReason.WRONG_SHAPE,
          "activations: " + e.getMessage(),
          e);
    }
  }

  void decode(
      InboundStream<DecodeFeaturesRequest> requests,
      StreamSender<DecodeFeaturesResponse> responses) {
    if (!requests.hasNext()) {
      return;
    }
    DecodeFeaturesRequest first = requests.next();
    Claimant client = Claimant.of(CLIENTS, responses::throwIfCancelled);
    try (SharedDictionaries.Use use = dictionary(first.hasHeader(), first.getHeader(), client)) {
      decode(use.dictionary(), client, requests, responses);
    }
  }

  private void decode(
      Dictionary dictionary,
      Claimant client,
      InboundStream<DecodeFeaturesRequest> requests,
      StreamSender<DecodeFeaturesResponse> responses) {
    for (long batch = 0; requests.hasNext(); batch++) {
      DecodeFeaturesRequest request = requests.next();
      if (!request.hasFeatures()) {
        throw LoupeException.invalidValue(
            "a message after the header", request.getMessageCase(), "features");
      }
      SparseFeatures features = SparseRowsReader.read(request.getFeatures(), dictionary.dSae());
      long bytes = (long) features.rows() * dictionary.dIn() * Float.BYTES;
      if (bytes > MAX_BATCH_BYTES) {
        throw LoupeException.of(
            ErrorReason.MESSAGE_TOO_LARGE,
            "the reconstruction of %d rows has %d bytes; send fewer rows, at most %d bytes"
                .formatted(features.rows(), bytes, MAX_BATCH_BYTES));
      }
      try (MemoryBudget.Reservation memory =
          budget.reserve(MemoryNeeds.decoding(features.rows(), dictionary.dIn()), client)) {
        FloatRows decoded = decoded(dictionary, features);
        if (!decoded.isFinite()) {
          throw overflow("the reconstruction of batch " + batch);
        }
        metrics.decoded(features.rows());
        send(batch, decoded, responses);
      }
    }
  }

  private static LoupeException overflow(String what) {
    return LoupeException.of(
        ErrorReason.NOT_FINITE, what + " overflows: send smaller values, or mend the dictionary");
  }

  private static FloatRows decoded(Dictionary dictionary, SparseFeatures features) {
    try {
      return dictionary.decode(features);
    } catch (NeedsInputException e) {
      throw LoupeException.of(ErrorReason.INVALID_VALUE, e.getMessage(), e);
    }
  }

  private SharedDictionaries.Use dictionary(
      boolean isHeader, DictionaryHeader header, Claimant client) {
    if (!isHeader) {
      throw LoupeException.invalidValue("the first message", "no header", "a header, then batches");
    }
    return dictionaries.use(
        Names.DICTIONARY.parseId("header.dictionary", header.getDictionary()), client);
  }

  private static FloatRows activations(LabelledTensor labelled, int dIn) {
    HostTensor tensor = labelled.tensor();
    long[] shape = tensor.shape();
    if (!tensor.type().isFloating()) {
      throw LoupeException.invalid(
          ErrorReason.WRONG_SHAPE,
          "activations.layout.dtype",
          tensor.type(),
          "DTYPE_F32, DTYPE_F16 or DTYPE_BF16");
    }
    if (shape.length == 0 || shape[shape.length - 1] != dIn) {
      throw LoupeException.invalid(
          ErrorReason.WRONG_SHAPE,
          "activations.layout.axes",
          Arrays.toString(shape),
          "a last axis of " + dIn + ", the dictionary's d_in");
    }
    FloatRows rows = new FloatRows(tensor.toFloats(), (int) (tensor.elements() / dIn), dIn);
    if (!rows.isFinite()) {
      throw LoupeException.invalid(
          ErrorReason.NOT_FINITE, "activations", "infinite or not a number", "finite values");
    }
    return rows;
  }

  private static void send(
      long batch,
      SparseFeatures features,
      boolean last,
      StreamSender<EncodeActivationsResponse> responses) {
    int row = 0;
    do {
      int first = row;
      while (row < features.rows()
          && (row == first
              || features.offsets()[row + 1] - features.offsets()[first] + (row - first)
                  <= MAX_ENTRIES_IN_MESSAGE)) {
        row++;
      }
      responses.send(
          EncodeActivationsResponse.newBuilder()
              .setBatch(batch)
              .setFeatures(Messages.of(features.slice(first, row - first)))
              .setBatchDone(last && row == features.rows())
              .build());
    } while (row < features.rows());
  }

  private static void send(
      long batch, FloatRows decoded, StreamSender<DecodeFeaturesResponse> responses) {
    LabelledTensor tensor =
        new LabelledTensor(
            HostTensor.ofFloats(decoded.values(), decoded.rows(), decoded.width()),
            List.of("row", "d_in"));
    for (Iterator<TensorChunk> chunks = TensorMessages.chunks(tensor); chunks.hasNext(); ) {
      responses.send(
          DecodeFeaturesResponse.newBuilder()
              .setBatch(batch)
              .setReconstruction(chunks.next())
              .build());
    }
  }
}
