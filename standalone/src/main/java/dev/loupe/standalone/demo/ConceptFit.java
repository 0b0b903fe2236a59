package dev.loupe.standalone.demo;

/**
 * A unit that stands for a concept: it says "yes" wherever its activation is at least the
 * threshold.
 *
 * @param chosenF1 F1 on the text on which unit and threshold were chosen
 * @param f1 F1 on text that the choice never saw
 * @param precision of those yeses, on the text that the choice never saw
 * @param recall of the concept's tokens, on the text that the choice never saw
 */
record ConceptFit(
    int concept,
    int unit,
    float threshold,
    double chosenF1,
    double f1,
    double precision,
    double recall) {}
