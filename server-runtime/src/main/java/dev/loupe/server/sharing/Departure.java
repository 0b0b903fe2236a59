package dev.loupe.server.sharing;

/** Tells listeners, on any thread, that a caller went away; at once when it has already. */
public interface Departure {
  /** Never comes about. */
  Departure NEVER =
      new Departure() {
        @Override
        public void listen(Runnable listener) {}

        @Override
        public void ignore(Runnable listener) {}
      };

  /** Begins to tell. */
  void listen(Runnable listener);

  /** Tells no more. */
  void ignore(Runnable listener);
}
