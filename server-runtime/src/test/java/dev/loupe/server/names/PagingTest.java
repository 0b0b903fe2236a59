package dev.loupe.server.names;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.SearchFeaturesRequest;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.Test;

class PagingTest {
  private final Paging paging = new Paging(50, 1_000);
  private final ListFeaturesRequest request =
      ListFeaturesRequest.newBuilder()
          .setParent("dictionaries/a")
          .setOrderBy("density desc")
          .setPageSize(10)
          .build();

  @Test
  void sizesHaveADefaultAndAMaximum() {
    assertThat(paging.size(0)).isEqualTo(50);
    assertThat(paging.size(1)).isEqualTo(1);
    assertThat(paging.size(1_000)).isEqualTo(1_000);
    assertThat(paging.size(1_001)).isEqualTo(1_000);
    assertThatThrownBy(() -> paging.size(-1))
        .hasMessage("page_size is -1; give 0 to 1000")
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.INVALID_VALUE));
  }

  @Test
  void aTokenGivesItsPlaceBack() {
    for (String place : new String[] {"", "7", "0.25/feature 3", "日本語", "x".repeat(500)}) {
      String token = paging.token(request, place);
      assertThat(
              paging.place(request.toBuilder().setPageToken(token).setPageSize(3).build(), token))
          .isEqualTo(place);
    }
    assertThat(paging.place(request, "")).isEmpty();
  }

  @Test
  void aTokenOfAnotherProcessIsReadAndOneOfAnotherKeyIsNot() {
    String token = paging.token(request, "7");
    assertThat(new Paging(1, 1).place(request, token)).isEqualTo("7");
    assertRefused(new Paging(1, 1, "other".getBytes(StandardCharsets.US_ASCII)), request, token);
  }

  @Test
  void aTokenOfAnotherRequestIsRefused() {
    String token = paging.token(request, "7");
    assertRefused(paging, request.toBuilder().setOrderBy("density").build(), token);
    assertRefused(paging, request.toBuilder().setParent("dictionaries/b").build(), token);
    assertRefused(paging, request.toBuilder().setFilter("density > 0.1").build(), token);
    SearchFeaturesRequest search =
        SearchFeaturesRequest.newBuilder().setParent("dictionaries/a").build();
    assertThatThrownBy(() -> paging.place(search, token))
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.INVALID_PAGE_TOKEN));
  }

  @Test
  void everyChangedByteIsNoticed() {
    String token = paging.token(request, "place 7");
    byte[] bytes = Base64.getUrlDecoder().decode(token);
    for (int i = 0; i < bytes.length; i++) {
      byte[] changed = bytes.clone();
      changed[i] ^= 1;
      assertRefused(
          paging, request, Base64.getUrlEncoder().withoutPadding().encodeToString(changed));
    }
    for (String made :
        new String[] {"7", "AAAA", "not base64!", token + "AAAA", token.substring(4)}) {
      assertRefused(paging, request, made);
    }
  }

  private static void assertRefused(Paging paging, ListFeaturesRequest request, String token) {
    assertThatThrownBy(() -> paging.place(request, token))
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.INVALID_PAGE_TOKEN));
  }
}
