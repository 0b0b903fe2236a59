package dev.loupe.gateway.http;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.loupe.server.text.Surrogates;
import java.util.List;
import java.util.Map;

/**
 * Refuses texts that hold half of a surrogate pair, which JSON can write and no UTF-8 can: on its
 * way to a service it would become a question mark.
 */
final class SurrogateCheck {
  private SurrogateCheck() {}

  /**
   * Looks at every text of a message.
   *
   * @throws InvalidProtocolBufferException naming the field and the place
   */
  static void check(Message message) throws InvalidProtocolBufferException {
    for (Map.Entry<FieldDescriptor, Object> field : message.getAllFields().entrySet()) {
      if (field.getValue() instanceof List<?> list) {
        for (int i = 0; i < list.size(); i++) {
          check(field.getKey().getName() + "[" + i + "]", list.get(i));
        }
      } else {
        check(field.getKey().getName(), field.getValue());
      }
    }
  }

  private static void check(String name, Object value) throws InvalidProtocolBufferException {
    if (value instanceof Message message) {
      check(message);
    } else if (value instanceof String text) {
      check(name, text);
    }
  }

  private static void check(String name, String text) throws InvalidProtocolBufferException {
    int half = Surrogates.firstHalf(text);
    if (half >= 0) {
      throw new InvalidProtocolBufferException(
          "%s holds half of a surrogate pair, \\u%04x, at character %d"
              .formatted(name, (int) text.charAt(half), half));
    }
  }
}
