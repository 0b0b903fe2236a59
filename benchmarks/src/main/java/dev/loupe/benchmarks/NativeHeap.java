package dev.loupe.benchmarks;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;

/** What the C library's allocator, from which the engine has its memory, says is in use. */
final class NativeHeap {
  private NativeHeap() {}

  /** glibc's {@code struct mallinfo2}; every field is a {@code size_t}. */
  @FieldOrder({
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost"
  })
  public static final class Info extends Structure implements Structure.ByValue {
    public long arena;
    public long ordblks;
    public long smblks;
    public long hblks;
    public long hblkhd;
    public long usmblks;
    public long fsmblks;
    public long uordblks;
    public long fordblks;
    public long keepcost;
  }

  /** glibc, from 2.33 on. */
  interface Glibc extends Library {
    /** Sums of the first arena, and what is mapped. */
    Info mallinfo2();

    /** Gives free memory back to the kernel, but for {@code pad} bytes. */
    int malloc_trim(NativeLong pad);
  }

  /**
   * Bytes that were allocated and not freed. Counts the first arena and mapped blocks only, so it
   * is all of them with {@code MALLOC_ARENA_MAX=1}.
   *
   * @return empty where the C library does not say
   */
  static OptionalLong bytesInUse() {
    try {
      Info info = Native.load("c", Glibc.class).mallinfo2();
      return OptionalLong.of(info.uordblks + info.hblkhd);
    } catch (UnsatisfiedLinkError e) {
      return OptionalLong.empty();
    }
  }

  /** Gives what is free back to the kernel. */
  static void giveBack() {
    Native.load("c", Glibc.class).malloc_trim(new NativeLong(0));
  }

  /** Begins to look for the most that is in use. */
  static Peak watch() {
    return new Peak();
  }

  /** Looks many times a second until it is closed. */
  static final class Peak implements AutoCloseable {
    private static final int EVERY_NANOS = 300_000;

    private final Thread looking = new Thread(this::look, "native-heap-peak");
    private volatile boolean closed;
    private volatile long most;

    private Peak() {
      looking.start();
    }

    private void look() {
      while (!closed) {
        most = Math.max(most, bytesInUse().orElse(0));
        LockSupport.parkNanos(EVERY_NANOS);
      }
    }

    /** The most so far; 0 where the C library does not say. */
    long bytes() {
      return most;
    }

    @Override
    public void close() throws InterruptedException {
      closed = true;
      looking.join();
    }
  }
}
