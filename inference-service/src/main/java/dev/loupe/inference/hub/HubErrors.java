package dev.loupe.inference.hub;

import dev.loupe.inference.hub.HubException.Kind;
import java.util.Optional;

/** What the hub's refusals mean to a user. */
final class HubErrors {
  private HubErrors() {}

  /** Throws for a status that trying again will not change. */
  static void throwIfFinal(int status, String what, Optional<String> code) {
    switch (status) {
      case 401 ->
          throw new HubException(
              Kind.DENIED,
              what
                  + ": the repository does not exist, or is private; to read a private one set HF_TOKEN");
      case 403 ->
          throw new HubException(
              Kind.DENIED,
              what + ": the hub denies access with this token; ask for access on the model's page");
      case 404 -> throw new HubException(Kind.NOT_FOUND, what + ": " + missing(code));
      default -> {
        boolean again = status >= 500 || status == 429 || status == 408;
        if (!again) {
          throw new HubException(
              Kind.UNREACHABLE, what + ": the hub answers with status " + status);
        }
      }
    }
  }

  private static String missing(Optional<String> code) {
    return switch (code.orElse("")) {
      case "RepoNotFound" -> "the hub has no such repository";
      case "RevisionNotFound" -> "the repository has no such revision";
      default -> "the repository has no such file";
    };
  }
}
