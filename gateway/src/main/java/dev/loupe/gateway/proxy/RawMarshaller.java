package dev.loupe.gateway.proxy;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * Takes a message's bytes as they are: what only passes through is neither parsed nor written
 * again. Remembers the type that the bytes stand for, so that JSON can be made of them when it is
 * asked for.
 */
public final class RawMarshaller implements MethodDescriptor.Marshaller<byte[]> {
  private final Message prototype;

  private RawMarshaller(Message prototype) {
    this.prototype = prototype;
  }

  /** Raw bytes in the place of what this marshaller of generated code makes. */
  static RawMarshaller inPlaceOf(MethodDescriptor.Marshaller<?> typed) {
    return new RawMarshaller((Message) ((PrototypeMarshaller<?>) typed).getMessagePrototype());
  }

  /** An empty message of the type that the bytes stand for. */
  public Message prototype() {
    return prototype;
  }

  @Override
  public InputStream stream(byte[] message) {
    return new ByteArrayInputStream(message);
  }

  @Override
  public byte[] parse(InputStream stream) {
    try (stream) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("a message could not be read", e);
    }
  }
}
