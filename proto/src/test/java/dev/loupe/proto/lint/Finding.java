package dev.loupe.proto.lint;

/**
 * One offence against a rule.
 *
 * @param where the full name of the offending element, or a file's path
 * @param what what is wrong and what would be right
 */
record Finding(String where, String what) {
  @Override
  public String toString() {
    return where + ": " + what;
  }
}
