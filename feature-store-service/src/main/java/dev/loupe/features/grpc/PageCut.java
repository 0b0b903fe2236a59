package dev.loupe.features.grpc;

import com.google.protobuf.MessageLite;
import java.util.List;

/**
 * Ends a page before the message grows too large for clients, which by gRPC's default take up to 4
 * MiB. A page has at least one entry.
 */
final class PageCut {
  private static final int MAX_BYTES = 3_500_000;

  private PageCut() {}

  /** How many of the messages fit. */
  static int count(List<? extends MessageLite> messages) {
    long bytes = 0;
    for (int i = 0; i < messages.size(); i++) {
      bytes += messages.get(i).getSerializedSize();
      if (i > 0 && bytes > MAX_BYTES) {
        return i;
      }
    }
    return messages.size();
  }
}
