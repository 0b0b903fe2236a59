package dev.loupe.inference.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What one text begins with.
 *
 * @param prompt which of the request's prompts, from 0
 * @param sample which of the prompt's samples, from 0
 * @param stream which of the seed's streams of random numbers draws the text; texts of the same
 *     tokens have streams of their own, and the first of them has stream 0
 * @param tokens of the prompt, at least one
 */
public record Beginning(int prompt, int sample, int stream, int[] tokens) {

  /**
   * Texts of prompts, prompt by prompt.
   *
   * @param samples of each prompt, 1 or more
   */
  public static List<Beginning> of(List<int[]> prompts, int samples) {
    Map<List<Integer>, Integer> streams = new HashMap<>();
    List<Beginning> texts = new ArrayList<>();
    for (int prompt = 0; prompt < prompts.size(); prompt++) {
      int[] tokens = prompts.get(prompt);
      List<Integer> key = Arrays.stream(tokens).boxed().toList();
      int first = streams.merge(key, samples, Integer::sum) - samples;
      for (int sample = 0; sample < samples; sample++) {
        texts.add(new Beginning(prompt, sample, first + sample, tokens));
      }
    }
    return texts;
  }
}
