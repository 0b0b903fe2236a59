package dev.loupe.server;

import dev.loupe.server.errors.LoupeException;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the main of a stand-alone service does once its options are read. */
public final class ServerMain {
  private static final Logger log = LoggerFactory.getLogger(ServerMain.class);

  private ServerMain() {}

  /**
   * Serves until the process is told to end, then drains.
   *
   * @param name of the service, for the log
   * @return the exit code: 0, or 1 when it could not start, after saying why in one line
   */
  public static int run(
      String name, ServerOptions options, Function<MeterRegistry, LoupeService> make) {
    options.logLevel().apply();
    RunningServer server;
    try {
      server = RunningServer.start(options, make);
    } catch (LoupeException e) {
      log.error("{} cannot start: {} ({})", name, e.getMessage(), e.reason());
      log.debug("why", e);
      return 1;
    }
    closeOnShutdown(name, server);
    log.info(
        "{} listens on {}:{}{}",
        name,
        options.host(),
        server.port(),
        server.metricsPort() < 0 ? "" : ", metrics on " + server.metricsPort());
    try {
      server.awaitTermination();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    server.close();
    return 0;
  }

  /** Closes something when the JVM is told to end. */
  public static void closeOnShutdown(String name, AutoCloseable closeable) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  log.info("{} drains", name);
                  try {
                    closeable.close();
                  } catch (Exception e) {
                    log.warn("{} did not close well", name, e);
                  }
                },
                name + "-shutdown"));
  }
}
