package dev.loupe.server.names;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Pages of a listing (AIP-158). A page token holds the place to go on from and a code over that
 * place and the request's other fields ({@code page_size} may change), so that one that is made up,
 * or used with another request, is refused.
 *
 * <p>The code keeps mistakes out, not attackers: its key is public unless one is given, so that
 * every replica and every later version reads every token. A token gives no access that its request
 * does not have anyway.
 */
public final class Paging {
  private static final Set<String> NOT_BOUND = Set.of("page_token", "page_size");
  private static final int CODE_BYTES = 12;

  private final int defaultSize;
  private final int maxSize;
  private final SecretKeySpec key;

  /** Pages of at most this size, for requests that do not say and for those that do. */
  public Paging(int defaultSize, int maxSize) {
    this(defaultSize, maxSize, "loupe page token 1".getBytes(StandardCharsets.US_ASCII));
  }

  /** The same with a key that only the servers know. */
  public Paging(int defaultSize, int maxSize, byte[] key) {
    this.defaultSize = defaultSize;
    this.maxSize = maxSize;
    this.key = new SecretKeySpec(key, "HmacSHA256");
  }

  /**
   * The page size to use: 0 means the default, more than the maximum means the maximum.
   *
   * @throws LoupeException INVALID_VALUE when it is negative
   */
  public int size(int pageSize) {
    if (pageSize < 0) {
      throw LoupeException.invalidValue("page_size", pageSize, "0 to " + maxSize);
    }
    return pageSize == 0 ? defaultSize : Math.min(pageSize, maxSize);
  }

  /** The token for the page that starts at this place, for requests like this one. */
  public String token(Message request, String place) {
    byte[] bytes = place.getBytes(StandardCharsets.UTF_8);
    byte[] code = code(request, bytes);
    byte[] token = Arrays.copyOf(code, CODE_BYTES + bytes.length);
    System.arraycopy(bytes, 0, token, CODE_BYTES, bytes.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
  }

  /**
   * The place that a request's token stands for; empty for the first page.
   *
   * @throws LoupeException INVALID_PAGE_TOKEN when this request was not given that token
   */
  public String place(Message request, String pageToken) {
    if (pageToken.isEmpty()) {
      return "";
    }
    byte[] token;
    try {
      token = Base64.getUrlDecoder().decode(pageToken);
    } catch (IllegalArgumentException e) {
      throw refused(pageToken);
    }
    if (token.length < CODE_BYTES) {
      throw refused(pageToken);
    }
    byte[] place = Arrays.copyOfRange(token, CODE_BYTES, token.length);
    if (!MessageDigest.isEqual(Arrays.copyOf(token, CODE_BYTES), code(request, place))) {
      throw refused(pageToken);
    }
    return new String(place, StandardCharsets.UTF_8);
  }

  private static LoupeException refused(String pageToken) {
    return LoupeException.invalid(
        ErrorReason.INVALID_PAGE_TOKEN,
        "page_token",
        pageToken,
        "the next_page_token of the page before, with every other field as it was, or nothing for the first page");
  }

  private byte[] code(Message request, byte[] place) {
    try {
      Mac mac = Mac.getInstance(key.getAlgorithm());
      mac.init(key);
      mac.update(request.getDescriptorForType().getFullName().getBytes(StandardCharsets.UTF_8));
      byte[] bound = boundFields(request);
      mac.update((byte) 0);
      mac.update(MessageDigest.getInstance("SHA-256").digest(bound));
      mac.update(place);
      return Arrays.copyOf(mac.doFinal(), CODE_BYTES);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has HmacSHA256 and SHA-256", e);
    }
  }

  private static byte[] boundFields(Message request) {
    Message.Builder bound = request.toBuilder();
    for (FieldDescriptor field : request.getDescriptorForType().getFields()) {
      if (NOT_BOUND.contains(field.getName())) {
        bound.clearField(field);
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      out.useDeterministicSerialization();
      bound.buildPartial().writeTo(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
