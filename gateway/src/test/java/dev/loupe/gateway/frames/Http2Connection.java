package dev.loupe.gateway.frames;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A connection that shows HTTP/2's own frames (RFC 9113), which every client library hides. Header
 * blocks go out uncompressed and come back unread.
 */
public final class Http2Connection implements AutoCloseable {
  public static final int DATA = 0;
  public static final int HEADERS = 1;
  public static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int ACK = 1;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  /** What the other side sent. */
  public record Frame(int type, int flags, int stream, byte[] payload) {
    /** Whether the other side sends nothing more on the stream. */
    public boolean endsStream() {
      return (type == DATA || type == HEADERS) && (flags & END_STREAM) != 0;
    }
  }

  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;

  /** Connects to this port of this machine. */
  public Http2Connection(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    in = new DataInputStream(socket.getInputStream());
    out = socket.getOutputStream();
    out.write(PREFACE.getBytes(StandardCharsets.US_ASCII));
    write(SETTINGS, 0, 0, new byte[0]);
  }

  /** Opens a gRPC call and sends a first message, without ending the request. */
  public void open(int stream, String path, byte[] message) throws IOException {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    header(block, ":method", "POST");
    header(block, ":scheme", "http");
    header(block, ":path", path);
    header(block, ":authority", "127.0.0.1");
    header(block, "te", "trailers");
    header(block, "content-type", "application/grpc");
    write(HEADERS, END_HEADERS, stream, block.toByteArray());
    ByteBuffer framed = ByteBuffer.allocate(5 + message.length);
    framed.put((byte) 0).putInt(message.length).put(message);
    write(DATA, 0, stream, framed.array());
  }

  /** Ends the request. */
  public void halfClose(int stream) throws IOException {
    write(DATA, END_STREAM, stream, new byte[0]);
  }

  /** What comes on a stream until the other side ends it. */
  public List<Frame> untilEnd(int stream) throws IOException {
    List<Frame> seen = new ArrayList<>();
    while (true) {
      Frame frame = read();
      if (frame.stream() == stream) {
        seen.add(frame);
        if (frame.endsStream() || frame.type() == RST_STREAM) {
          return seen;
        }
      }
    }
  }

  /** What comes on a stream before the other side has dealt with everything sent so far. */
  public List<Frame> untilPong(int stream) throws IOException {
    write(PING, 0, 0, new byte[8]);
    List<Frame> seen = new ArrayList<>();
    while (true) {
      Frame frame = read();
      if (frame.type() == PING && (frame.flags() & ACK) != 0) {
        return seen;
      }
      if (frame.stream() == stream) {
        seen.add(frame);
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  private Frame read() throws IOException {
    int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
    int type = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int stream = in.readInt() & Integer.MAX_VALUE;
    byte[] payload = new byte[length];
    in.readFully(payload);
    if (type == SETTINGS && (flags & ACK) == 0) {
      write(SETTINGS, ACK, 0, new byte[0]);
    }
    return new Frame(type, flags, stream, payload);
  }

  private void write(int type, int flags, int stream, byte[] payload) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(9 + payload.length);
    frame.put((byte) (payload.length >> 16)).putShort((short) payload.length);
    frame.put((byte) type).put((byte) flags).putInt(stream).put(payload);
    out.write(frame.array());
    out.flush();
  }

  /** A literal header field that is not remembered (RFC 7541, 6.2.2). */
  private static void header(ByteArrayOutputStream block, String name, String value) {
    block.write(0);
    string(block, name);
    string(block, value);
  }

  private static void string(ByteArrayOutputStream block, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    if (bytes.length > 126) {
      throw new IllegalArgumentException(text + " is too long for one byte of length");
    }
    block.write(bytes.length);
    block.writeBytes(bytes);
  }
}
