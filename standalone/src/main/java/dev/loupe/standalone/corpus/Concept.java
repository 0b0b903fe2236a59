package dev.loupe.standalone.corpus;

/**
 * Something the corpus talks about, and that a neuron or a feature may or may not stand for.
 *
 * @param id position in the corpus's list of concepts, from 0
 * @param name short name in kebab case, unique
 * @param title what a reader sees
 */
public record Concept(int id, String name, String title) {}
