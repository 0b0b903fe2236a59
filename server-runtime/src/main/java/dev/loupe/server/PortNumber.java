package dev.loupe.server;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the port of an option: 0, for any free one, to 65535. */
public final class PortNumber implements ITypeConverter<Integer> {
  private static final int LARGEST = 65_535;

  @Override
  public Integer convert(String text) {
    return read(text, 0, "0 to 65535");
  }

  /** The same, or -1 for no port. */
  public static final class OrNone implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return read(text, -1, "0 to 65535, or -1 for none");
    }
  }

  private static int read(String text, int least, String expected) {
    try {
      int port = Integer.parseInt(text.strip());
      if (port >= least && port <= LARGEST) {
        return port;
      }
    } catch (NumberFormatException e) {
      // Told below.
    }
    throw new TypeConversionException("'" + text + "' is no port; expected " + expected);
  }
}
