package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.file.FileService;
import com.linecorp.armeria.server.file.FileServiceBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * The page that shows the OpenAPI document, at {@code /docs/}: a frame of our own around Swagger
 * UI, which comes from the class path too. It loads nothing from anywhere else.
 */
final class DocsPage {
  /** Swagger UI styles its elements by attribute and has its small pictures in its style sheet. */
  static final String CONTENT_SECURITY_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
          + " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
          + " frame-ancestors 'none'";

  private static final String OURS = "dev/loupe/gateway/docs";
  private static final String ABOUT_VIEWER = "META-INF/maven/org.webjars/swagger-ui/pom.properties";
  private static final String VIEWER = "META-INF/resources/webjars/swagger-ui/";

  private DocsPage() {}

  static HttpService service() {
    FileService viewer = files(VIEWER + viewerVersion());
    return files(OURS).orElse(viewer);
  }

  private static FileService files(String folder) {
    FileServiceBuilder builder = FileService.builder(DocsPage.class.getClassLoader(), folder);
    return builder
        .addHeader(HttpHeaderNames.CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)
        .addHeader(HttpHeaderNames.REFERRER_POLICY, "no-referrer")
        .addHeader(HttpHeaderNames.X_CONTENT_TYPE_OPTIONS, "nosniff")
        .addHeader(HttpHeaderNames.CACHE_CONTROL, "no-cache")
        .build();
  }

  /** The viewer's files stand in a folder that is named after its version. */
  private static String viewerVersion() {
    try (InputStream in = DocsPage.class.getClassLoader().getResourceAsStream(ABOUT_VIEWER)) {
      Properties about = new Properties();
      about.load(in);
      return about.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(ABOUT_VIEWER + " cannot be read", e);
    }
  }
}
