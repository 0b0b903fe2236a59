package dev.loupe.proto.lint;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import com.google.protobuf.DescriptorProtos.SourceCodeInfo.Location;
import com.google.protobuf.Descriptors.FileDescriptor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Each rule finds what it is there to find, in a file that breaks them all. */
class BrokenProtoTest {
  private static final FileDescriptor BROKEN = broken();

  @Test
  void placementFindsAWrongFolderPackageAndOptions() {
    assertThat(found(new PlacementRule()))
        .containsExactly(
            "elsewhere/broken.proto: package loupe.import is not loupe.{area}.v{number}",
            "elsewhere/broken.proto: does not lie in the folder of its package loupe.import",
            "elsewhere/broken.proto: java_package must be dev.loupe.proto.import",
            "elsewhere/broken.proto: go_package must be loupe.dev/proto/loupe/import;import",
            "elsewhere/broken.proto: java_multiple_files must be true");
  }

  @Test
  void commentsFindsTheMissingTheEmptyAndTheUnfinished() {
    assertThat(found(new CommentRule()))
        .contains(
            "elsewhere/broken.proto: has no comment above it",
            "loupe.import.Things: has no comment above it",
            "loupe.import.ListThingsReply.things: its comment repeats its name only: The thing.",
            "loupe.import.ListThingsReply: its comment does not end with a full stop: Things");
  }

  @Test
  void namingFindsWrongCases() {
    assertThat(found(new NamingRule()))
        .contains(
            "loupe.import.Things: does not end with Service",
            "loupe.import.ListThingsReply.Class: is not lower_snake",
            "loupe.import.Size.BIG: does not begin with SIZE_",
            "loupe.import.Size.BIG: 0, and 0 alone, must be SIZE_UNSPECIFIED");
  }

  @Test
  void reservedWordsFindsPackageAndField() {
    assertThat(found(new ReservedWordRule()))
        .contains(
            "elsewhere/broken.proto: 'import' is reserved in Python",
            "loupe.import.ListThingsReply.lambda: 'lambda' is reserved in Python");
  }

  @Test
  void rpcTypesFindsForeignMessages() {
    assertThat(found(new RpcTypesRule()))
        .containsExactly(
            "loupe.import.Things.ListThings: must take a ListThingsRequest",
            "loupe.import.Things.ListThings: may not give a ListThingsReply");
  }

  @Test
  void httpFindsAMissingAnnotation() {
    assertThat(found(new HttpRule()))
        .containsExactly("loupe.import.Things.ListThings: has no google.api.http annotation");
  }

  @Test
  void pagingFindsAListWithoutPagesUnlessItIsExempt() {
    assertThat(found(new PagingRule(Map.of())))
        .contains("loupe.import.ListThingsReply: has no INT32 field page_size");
    assertThat(found(new PagingRule(Map.of("loupe.import.Things.ListThings", "there are two"))))
        .isEmpty();
  }

  @Test
  void provenanceFindsAnAnswerWithoutIt() {
    assertThat(found(new ProvenanceRule("loupe.import", Map.of())))
        .containsExactly("loupe.import.Things.ListThings: gives no Provenance");
    assertThat(
            found(
                new ProvenanceRule(
                    "loupe.import", Map.of("loupe.import.Things.ListThings", "it only looks up"))))
        .isEmpty();
  }

  private static List<String> found(LintRule rule) {
    return rule.check(BROKEN).stream().map(Finding::toString).toList();
  }

  private static FileDescriptor broken() {
    FileDescriptorProto.Builder file =
        FileDescriptorProto.newBuilder()
            .setName("elsewhere/broken.proto")
            .setPackage("loupe.import")
            .setSyntax("proto3")
            .addMessageType(
                DescriptorProto.newBuilder()
                    .setName("ListThingsReply")
                    .addField(field("things", 1))
                    .addField(field("Class", 2))
                    .addField(field("lambda", 3)))
            .addEnumType(
                EnumDescriptorProto.newBuilder()
                    .setName("Size")
                    .addValue(EnumValueDescriptorProto.newBuilder().setName("BIG").setNumber(0)))
            .addService(
                ServiceDescriptorProto.newBuilder()
                    .setName("Things")
                    .addMethod(
                        MethodDescriptorProto.newBuilder()
                            .setName("ListThings")
                            .setInputType(".loupe.import.ListThingsReply")
                            .setOutputType(".loupe.import.ListThingsReply")));
    file.getSourceCodeInfoBuilder()
        .addLocation(comment(" Things\n", 4, 0))
        .addLocation(comment(" The thing.\n", 4, 0, 2, 0));
    return ProtoFiles.link(FileDescriptorSet.newBuilder().addFile(file).build()).get(0);
  }

  private static FieldDescriptorProto.Builder field(String name, int number) {
    return FieldDescriptorProto.newBuilder()
        .setName(name)
        .setNumber(number)
        .setLabel(Label.LABEL_OPTIONAL)
        .setType(Type.TYPE_STRING);
  }

  private static Location.Builder comment(String text, Integer... path) {
    return Location.newBuilder().setLeadingComments(text).addAllPath(List.of(path));
  }
}
