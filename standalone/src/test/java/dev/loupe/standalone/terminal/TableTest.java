package dev.loupe.standalone.terminal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void columnsAreAsWideAsTheirWidestCellAndNumbersStandToTheRight() {
    Table table = new Table("token", "share").row("\" Austin\"", "9.5%").row("\"的\"", "12.0%");

    assertThat(table.lines(40))
        .containsExactly(
            "token      share", "---------  -----", "\" Austin\"   9.5%", "\"的\"       12.0%");
  }

  @Test
  void aCellThatIsTooWideIsCut() {
    assertThat(new Table("text").row("abcdefghij").lines(5))
        .containsExactly("text", "-----", "abcd…");
  }

  @Test
  void aRowMustHaveOneCellForEachColumn() {
    assertThatThrownBy(() -> new Table("a", "b").row("1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 cells")
        .hasMessageContaining("2 columns");
  }

  @Test
  void textsStandBesideEachOtherBrokenBetweenWords() {
    Table table =
        new SideBySide()
            .column("default", "The capital of Texas is Austin, which lies on a river.")
            .column("steered", "Short\ntext.")
            .table();

    assertThat(table.lines(80))
        .containsExactly(
            "default                          steered",
            "-------------------------------  ------------",
            "The capital of Texas is Austin,  Short\\ntext.",
            "which lies on a river.");
  }
}
