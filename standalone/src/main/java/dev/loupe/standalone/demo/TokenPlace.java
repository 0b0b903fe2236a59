package dev.loupe.standalone.demo;

/** Where a token of the held-out text stands. */
record TokenPlace(int row, int position) {}
