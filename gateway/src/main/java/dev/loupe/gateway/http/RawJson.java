package dev.loupe.gateway.http;

import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.linecorp.armeria.common.grpc.GrpcJsonMarshaller;
import dev.loupe.gateway.proxy.RawMarshaller;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Reader;
import java.io.StringReader;
import java.io.Writer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;

/**
 * The JSON form of messages, those that only pass through as bytes among them. Fields that hold
 * their default are written, so that a zero is a zero and an empty list a list; unknown fields are
 * refused.
 */
final class RawJson implements GrpcJsonMarshaller {
  private final JsonFormat.Printer printer;
  private final JsonFormat.Parser parser;

  /**
   * @param files whose messages may stand in an {@code Any}, such as an operation's response
   */
  RawJson(Collection<FileDescriptor> files) {
    JsonFormat.TypeRegistry.Builder types = JsonFormat.TypeRegistry.newBuilder();
    files.forEach(file -> types.add(file.getMessageTypes()));
    JsonFormat.TypeRegistry registry = types.build();
    this.printer =
        JsonFormat.printer()
            .usingTypeRegistry(registry)
            .includingDefaultValueFields()
            .omittingInsignificantWhitespace();
    this.parser = JsonFormat.parser().usingTypeRegistry(registry);
  }

  @Override
  public <T> void serializeMessage(Marshaller<T> marshaller, T message, OutputStream out)
      throws IOException {
    Message typed =
        message instanceof byte[] bytes
            ? prototype(marshaller).getParserForType().parseFrom(bytes)
            : (Message) message;
    try (Writer writer = new OutputStreamWriter(out, StandardCharsets.UTF_8)) {
      printer.appendTo(typed, writer);
    }
  }

  @Override
  public <T> T deserializeMessage(Marshaller<T> marshaller, InputStream in) throws IOException {
    Message.Builder builder = prototype(marshaller).newBuilderForType();
    CharsetDecoder strict = StandardCharsets.UTF_8.newDecoder(); // reports what is not UTF-8
    try (Reader reader = new InputStreamReader(in, strict)) {
      merge(reader, builder);
    }
    return built(marshaller, builder);
  }

  /**
   * Reads a message of which some text fields are known from elsewhere; nothing at all stands for
   * an empty object.
   *
   * @param fields values by field name, which count instead of those in the JSON
   */
  <T> T read(Marshaller<T> marshaller, String json, Map<String, String> fields)
      throws InvalidProtocolBufferException {
    Message.Builder builder = prototype(marshaller).newBuilderForType();
    if (!json.isBlank()) {
      merge(new StringReader(json), builder);
    }
    fields.forEach(
        (name, value) ->
            builder.setField(builder.getDescriptorForType().findFieldByName(name), value));
    return built(marshaller, builder);
  }

  private void merge(Reader json, Message.Builder builder) throws InvalidProtocolBufferException {
    try {
      parser.merge(json, builder);
    } catch (InvalidProtocolBufferException e) {
      throw e;
    } catch (CharacterCodingException e) {
      throw new InvalidProtocolBufferException("the JSON is not UTF-8 text");
    } catch (IOException | RuntimeException e) {
      // JsonFormat lets some errors of the JSON reader and of number formats through as they are.
      throw new InvalidProtocolBufferException(String.valueOf(e.getMessage()));
    }
  }

  @SuppressWarnings("unchecked") // A RawMarshaller's type is byte[], any other's its prototype's.
  private static <T> T built(Marshaller<T> marshaller, Message.Builder builder)
      throws InvalidProtocolBufferException {
    Message message = builder.build();
    SurrogateCheck.check(message);
    return (T) (marshaller instanceof RawMarshaller ? message.toByteArray() : message);
  }

  private static Message prototype(Marshaller<?> marshaller) {
    return marshaller instanceof RawMarshaller raw
        ? raw.prototype()
        : (Message) ((PrototypeMarshaller<?>) marshaller).getMessagePrototype();
  }
}
