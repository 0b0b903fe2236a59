package dev.loupe.gateway.analysis;

/**
 * What a feature means, according to someone.
 *
 * @param name the label's resource name
 * @param text the meaning
 * @param source who says so
 * @param score how well it fits, in [0, 1]
 */
public record Label(String name, String text, String source, double score) {}
