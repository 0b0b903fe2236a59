CREATE TABLE feature (
  id              INTEGER PRIMARY KEY,
  dictionary      TEXT    NOT NULL,
  feature_index   INTEGER NOT NULL,
  activations     INTEGER NOT NULL,
  density         REAL    NOT NULL,
  max_activation  REAL    NOT NULL,
  mean_activation REAL    NOT NULL,
  -- The best label's score, 0 without labels.
  label_score     REAL    NOT NULL DEFAULT 0,
  updated_micros  INTEGER NOT NULL,
  -- Folded, each between two U+FFFF.
  top_tokens      TEXT    NOT NULL,
  details         BLOB    NOT NULL,
  UNIQUE (dictionary, feature_index)
);

CREATE INDEX feature_density ON feature (dictionary, density, feature_index);
CREATE INDEX feature_max_activation ON feature (dictionary, max_activation, feature_index);
CREATE INDEX feature_mean_activation ON feature (dictionary, mean_activation, feature_index);
CREATE INDEX feature_label_score ON feature (dictionary, label_score, feature_index);

CREATE TABLE label (
  feature_id INTEGER NOT NULL REFERENCES feature (id) ON DELETE CASCADE,
  name       TEXT    NOT NULL,
  text       TEXT    NOT NULL,
  folded     TEXT    NOT NULL,
  source     TEXT    NOT NULL,
  score      REAL    NOT NULL,
  PRIMARY KEY (feature_id, name)
) WITHOUT ROWID;

-- Words come here already split and folded, so the tokenizer has only spaces to split at: "ascii" leaves every
-- character beyond ASCII as it is. Nothing asks for the order of words, so their positions are not kept.
CREATE VIRTUAL TABLE feature_words USING fts5(
  token, example, content='', contentless_delete=1, detail=column, tokenize='ascii');
CREATE VIRTUAL TABLE label_words USING fts5(
  label, content='', contentless_delete=1, detail=column, tokenize='ascii');

CREATE TRIGGER feature_words_follow AFTER DELETE ON feature BEGIN
  DELETE FROM feature_words WHERE rowid = old.id;
  DELETE FROM label_words WHERE rowid = old.id;
END;
