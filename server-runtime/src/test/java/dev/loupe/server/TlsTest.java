package dev.loupe.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.testing.BytesService;
import io.grpc.ManagedChannel;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsTest {
  private static final char[] PASSWORD = "changeit".toCharArray();

  @TempDir Path folder;

  @Test
  void callsGoOverTlsToThoseWhoTrustTheCertificate() throws Exception {
    Tls tls = selfSigned();
    try (GrpcServer server = GrpcServer.builder().tls(tls).service(new BytesService()).start()) {
      String target = "127.0.0.1:" + server.port();
      ManagedChannel trusting = Channels.tls(target, tls.certificate());
      assertThat(BytesService.call(trusting, BytesService.text("a")))
          .isEqualTo(BytesService.text("a"));
      Channels.close(trusting);
      for (ManagedChannel other : List.of(Channels.plaintext(target), Channels.tls(target, null))) {
        assertThatThrownBy(() -> BytesService.call(other, BytesService.text("a")))
            .hasMessageContaining("UNAVAILABLE");
        Channels.close(other);
      }
    }
  }

  @Test
  void filesThatAreNoCertificatesAreRefused() throws Exception {
    Path junk = Files.writeString(folder.resolve("junk.pem"), "junk");
    assertThatThrownBy(() -> GrpcServer.builder().tls(new Tls(junk, junk)).start())
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.INVALID_VALUE))
        .hasMessageContaining("junk.pem");
    assertThatThrownBy(() -> Channels.tls("127.0.0.1:1", junk))
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.INVALID_VALUE));
    assertThatThrownBy(() -> Channels.tls("127.0.0.1:1", folder.resolve("none.pem")))
        .hasMessageContaining("none.pem");
  }

  private Tls selfSigned() throws Exception {
    Path store = folder.resolve("store.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "loupe",
                "-keyalg",
                "EC",
                "-dname",
                "CN=loupe",
                "-ext",
                "SAN=IP:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-validity",
                "2",
                "-keystore",
                store.toString(),
                "-storepass",
                new String(PASSWORD))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("keytool.log").toFile())
            .start();
    assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(keytool.exitValue()).as(Files.readString(folder.resolve("keytool.log"))).isZero();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    return new Tls(
        pem("cert.pem", "CERTIFICATE", keys.getCertificate("loupe").getEncoded()),
        pem("key.pem", "PRIVATE KEY", keys.getKey("loupe", PASSWORD).getEncoded()));
  }

  private Path pem(String file, String kind, byte[] bytes) throws Exception {
    String body =
        Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(bytes);
    return Files.writeString(
        folder.resolve(file),
        "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n");
  }
}
