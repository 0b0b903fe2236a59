package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.FileDescriptor;
import java.util.List;

/** A rule that a .proto file keeps or breaks. */
interface LintRule {
  /**
   * Every offence of a file against this rule, in the order of the file; empty when it keeps it.
   */
  List<Finding> check(FileDescriptor file);
}
