package dev.loupe.sae.grpc;

import dev.loupe.proto.sae.v1.DecodeFeaturesRequest;
import dev.loupe.proto.sae.v1.DecodeFeaturesResponse;
import dev.loupe.proto.sae.v1.DictionaryHeader;
import dev.loupe.proto.sae.v1.EncodeActivationsRequest;
import dev.loupe.proto.sae.v1.EncodeActivationsResponse;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.sae.SaeMetrics;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.NeedsInputException;
import dev.loupe.sae.dictionary.SparseFeatures;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
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

  private final DictionaryStore dictionaries;
  private final SaeMetrics metrics;

  CodingStreams(DictionaryStore dictionaries, SaeMetrics metrics) {
    this.dictionaries = dictionaries;
    this.metrics = metrics;
  }

  void encode(
      InboundStream<EncodeActivationsRequest> requests,
      StreamSender<EncodeActivationsResponse> responses) {
    if (!requests.hasNext()) {
      return;
    }
    EncodeActivationsRequest first = requests.next();
    Dictionary dictionary = dictionary(first.hasHeader(), first.getHeader());
    TensorAssembler assembler = new TensorAssembler(MAX_BATCH_BYTES);
    long batch = 0;
    while (requests.hasNext()) {
      EncodeActivationsRequest request = requests.next();
      if (!request.hasActivations()) {
        throw LoupeException.invalidValue(
            "a message after the header", request.getMessageCase(), "activations");
      }
      Optional<LabelledTensor> whole = whole(assembler, request);
      if (whole.isPresent()) {
        FloatRows activations = activations(whole.get(), dictionary.dIn());
        long start = System.nanoTime();
        SparseFeatures features = dictionary.encode(activations);
        if (!features.isFinite()) {
          throw overflow("the features of batch " + batch);
        }
        metrics.encoded(activations.rows(), Duration.ofNanos(System.nanoTime() - start));
        send(batch++, features, responses);
      }
    }
    if (assembler.isPartial()) {
      throw LoupeException.of(
          ErrorReason.INVALID_VALUE,
          "the stream ends within batch " + batch + "; send all bytes that its layout announces");
    }
  }

  private static Optional<LabelledTensor> whole(
      TensorAssembler assembler, EncodeActivationsRequest request) {
    try {
      return assembler.add(request.getActivations());
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
    Dictionary dictionary = dictionary(first.hasHeader(), first.getHeader());
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
      FloatRows decoded = decoded(dictionary, features);
      if (!decoded.isFinite()) {
        throw overflow("the reconstruction of batch " + batch);
      }
      metrics.decoded(features.rows());
      send(batch, decoded, responses);
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

  private Dictionary dictionary(boolean isHeader, DictionaryHeader header) {
    if (!isHeader) {
      throw LoupeException.invalidValue("the first message", "no header", "a header, then batches");
    }
    return dictionaries.load(Names.DICTIONARY.parseId("header.dictionary", header.getDictionary()));
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
      long batch, SparseFeatures features, StreamSender<EncodeActivationsResponse> responses) {
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
              .setBatchDone(row == features.rows())
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
