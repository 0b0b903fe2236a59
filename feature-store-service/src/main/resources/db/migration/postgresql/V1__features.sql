CREATE TABLE feature (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dictionary      text COLLATE "C" NOT NULL,
  feature_index   bigint           NOT NULL,
  activations     bigint           NOT NULL,
  density         double precision NOT NULL,
  max_activation  double precision NOT NULL,
  mean_activation double precision NOT NULL,
  -- The best label's score, 0 without labels.
  label_score     double precision NOT NULL DEFAULT 0,
  updated_micros  bigint           NOT NULL,
  -- Folded, each between two U+FFFF.
  top_tokens      text COLLATE "C" NOT NULL,
  details         bytea            NOT NULL,
  -- Words come here already split and folded, with weight A for labels, B for tokens, D for examples.
  feature_words   tsvector         NOT NULL DEFAULT '',
  label_words     tsvector         NOT NULL DEFAULT '',
  UNIQUE (dictionary, feature_index)
);

CREATE INDEX feature_density ON feature (dictionary, density, feature_index);
CREATE INDEX feature_max_activation ON feature (dictionary, max_activation, feature_index);
CREATE INDEX feature_mean_activation ON feature (dictionary, mean_activation, feature_index);
CREATE INDEX feature_label_score ON feature (dictionary, label_score, feature_index);
CREATE INDEX feature_feature_words ON feature USING gin (feature_words);
CREATE INDEX feature_label_words ON feature USING gin (label_words);

CREATE TABLE label (
  feature_id bigint           NOT NULL REFERENCES feature (id) ON DELETE CASCADE,
  name       text COLLATE "C" NOT NULL,
  text       text             NOT NULL,
  folded     text COLLATE "C" NOT NULL,
  source     text             NOT NULL,
  score      double precision NOT NULL,
  PRIMARY KEY (feature_id, name)
);
