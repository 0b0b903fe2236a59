package dev.loupe.server.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TenantQueueTest {
  private final TenantQueue<String> queue = new TenantQueue<>();

  TenantQueueTest() {
    for (String element : new String[] {"a0", "a1", "a2", "a3", "b0", "b1", "c0"}) {
      queue.add(element.substring(0, 1), element);
    }
  }

  private String all() {
    StringBuilder order = new StringBuilder();
    for (String next = queue.poll(); next != null; next = queue.poll()) {
      order.append(next).append(' ');
    }
    return order.toString().trim();
  }

  @Test
  void tenantsTakeTurns() {
    assertThat(all()).isEqualTo("a0 b0 c0 a1 b1 a2 a3");
    assertThat(queue.size()).isZero();
  }

  @Test
  void takesOneOfEachTenantAtATime() {
    int[] room = {4};
    assertThat(queue.take(element -> room[0]-- > 0)).containsExactly("a0", "b0", "c0", "a1");
    assertThat(queue.size()).isEqualTo(3);
  }

  @Test
  void whoeverWasServedGoesBehindThoseThatWereNot() {
    assertThat(queue.poll()).isEqualTo("a0");
    assertThat(queue.take(element -> element.startsWith("b"))).containsExactly("b0", "b1");
    queue.add("b", "b2");
    assertThat(all()).isEqualTo("c0 a1 b2 a2 a3");
  }

  @Test
  void passesOverWhatIsNotAccepted() {
    assertThat(queue.take(element -> element.endsWith("1"))).containsExactly("a1", "b1");
    assertThat(all()).isEqualTo("c0 a0 b0 a2 a3");
  }

  @Test
  void forgetsWhatIsRemoved() {
    queue.remove("c", "c0");
    queue.remove("a", "a1");
    queue.remove("a", "a1");
    queue.remove("nobody", "x");
    assertThat(queue.size()).isEqualTo(5);
    assertThat(all()).isEqualTo("a0 b0 a2 b1 a3");
  }
}
