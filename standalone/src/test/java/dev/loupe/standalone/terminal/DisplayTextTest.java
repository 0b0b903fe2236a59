package dev.loupe.standalone.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DisplayTextTest {
  @Test
  void aTokensSpacesAndLineBreaksAreSeen() {
    assertThat(DisplayText.quoted(" Austin\n")).isEqualTo("\" Austin\\n\"");
    assertThat(DisplayText.visible("a\tb\u0007")).isEqualTo("a\\tb\\u0007");
  }

  @Test
  void aChineseCharacterTakesTwoColumns() {
    assertThat(DisplayText.width("德克萨斯 is")).isEqualTo(11);
    assertThat(DisplayText.width("é")).isEqualTo(1);
    assertThat(DisplayText.width("e\u0301")).isEqualTo(1);
  }

  @Test
  void whatIsCutFitsWithItsEllipsis() {
    assertThat(DisplayText.cut("德克萨斯", 5)).isEqualTo("德克…");
    assertThat(DisplayText.cut("fits", 4)).isEqualTo("fits");
  }
}
