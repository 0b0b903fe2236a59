package dev.loupe.server.streams;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Detachable;
import io.grpc.HasByteBuffer;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.Status;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Parses one call's messages over the transport's own buffers, and holds those of the last one
 * until they are given back. gRPC parses and delivers a call's messages one after another, so one
 * is enough.
 */
final class BorrowingMarshaller<T> implements Marshaller<T> {
  private final Marshaller<T> delegate;
  private InputStream held;

  BorrowingMarshaller(Marshaller<T> delegate) {
    this.delegate = delegate;
  }

  @Override
  public InputStream stream(T value) {
    return delegate.stream(value);
  }

  @Override
  public T parse(InputStream stream) {
    giveBack();
    boolean borrows =
        stream instanceof Detachable
            && stream instanceof HasByteBuffer buffers
            && buffers.byteBufferSupported()
            && stream.markSupported()
            && delegate instanceof PrototypeMarshaller<T> known
            && known.getMessagePrototype() instanceof MessageLite;
    if (!borrows) {
      return delegate.parse(stream);
    }
    held = ((Detachable) stream).detach();
    try {
      return parse(bytes(held));
    } catch (IOException e) {
      giveBack();
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      giveBack();
      throw e;
    }
  }

  /** All bytes, in place: going back to the mark keeps the buffers from being freed when passed. */
  private static ByteString bytes(InputStream stream) throws IOException {
    stream.mark(stream.available());
    List<ByteString> pieces = new ArrayList<>();
    while (stream.available() > 0) {
      ByteBuffer piece = ((HasByteBuffer) stream).getByteBuffer();
      pieces.add(UnsafeByteOperations.unsafeWrap(piece));
      stream.skip(piece.remaining());
    }
    stream.reset();
    return ByteString.copyFrom(pieces);
  }

  @SuppressWarnings("unchecked")
  private T parse(ByteString bytes) {
    MessageLite prototype = (MessageLite) ((PrototypeMarshaller<T>) delegate).getMessagePrototype();
    try {
      CodedInputStream input = bytes.newCodedInput();
      input.enableAliasing(true);
      MessageLite message = prototype.getParserForType().parseFrom(input);
      input.checkLastTagWas(0);
      return (T) message;
    } catch (InvalidProtocolBufferException e) {
      throw Status.INTERNAL
          .withDescription("Invalid protobuf byte sequence")
          .withCause(e)
          .asRuntimeException();
    }
  }

  /** Ends the last message's right to its memory. */
  void giveBack() {
    InputStream last = held;
    held = null;
    if (last != null) {
      try {
        last.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
