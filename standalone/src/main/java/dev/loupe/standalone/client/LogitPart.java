package dev.loupe.standalone.client;

/** What one component of a model, such as head {@code L0H3}, adds to a logit. */
public record LogitPart(String component, double logit) {}
