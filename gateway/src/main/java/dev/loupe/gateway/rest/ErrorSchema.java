package dev.loupe.gateway.rest;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

/** The schema of every error, in the form of AIP-193. */
final class ErrorSchema {
  private static final String TEXT =
      """
      {
        "type": "object",
        "description": "An error. Programs tell errors apart by the reason in their details.",
        "properties": {
          "error": {
            "type": "object",
            "properties": {
              "code": {"type": "integer", "description": "HTTP's status.", "example": 404},
              "status": {"type": "string", "description": "gRPC's status.", "example": "NOT_FOUND"},
              "message": {"type": "string", "description": "What is wrong, and what would be right."},
              "details": {
                "type": "array",
                "description": "Among them a google.rpc.ErrorInfo with the reason, domain loupe.",
                "items": {
                  "type": "object",
                  "properties": {
                    "@type": {"type": "string"},
                    "reason": {"type": "string", "example": "MODEL_NOT_FOUND"},
                    "domain": {"type": "string"},
                    "metadata": {"type": "object", "additionalProperties": {"type": "string"}}
                  },
                  "additionalProperties": true
                }
              }
            }
          }
        }
      }
      """;

  private ErrorSchema() {}

  static JsonObject schema() {
    return JsonParser.parseString(TEXT).getAsJsonObject();
  }
}
