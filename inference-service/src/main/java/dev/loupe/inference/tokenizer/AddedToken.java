package dev.loupe.inference.tokenizer;

/**
 * A token that is found in the text before any merging, such as {@code <|endoftext|>}.
 *
 * @param id token id
 * @param content what is looked for, not empty
 * @param singleWord matches only where no letter, digit or underscore stands next to it
 * @param stripLeft takes the white space before it along
 * @param stripRight takes the white space after it along
 */
record AddedToken(
    int id, String content, boolean singleWord, boolean stripLeft, boolean stripRight) {}
