package dev.loupe.benchmarks;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import java.util.OptionalLong;

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
}
