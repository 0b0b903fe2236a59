package dev.loupe.features.storage;

import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureLabel;
import dev.loupe.features.domain.FeatureStatistics;
import dev.loupe.features.domain.FeatureView;
import dev.loupe.features.domain.StoredFeature;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.mapper.RowMapper;

/**
 * A row of `feature`.
 *
 * @param row its primary key
 * @param id what the feature is stored under
 * @param statistics how it behaves over a corpus
 * @param updatedMicros microseconds since 1970
 * @param details encoded; empty in the basic view
 */
record FeatureRow(
    long row,
    FeatureId id,
    FeatureStatistics statistics,
    long updatedMicros,
    Optional<byte[]> details) {

  /** The columns of a view, of `feature f`. */
  static String columns(FeatureView view) {
    return "f.id, f.dictionary, f.feature_index, f.activations, f.density, f.max_activation,"
        + " f.mean_activation, f.updated_micros"
        + (view == FeatureView.FULL ? ", f.details" : "");
  }

  static RowMapper<FeatureRow> mapper(FeatureView view) {
    return (rs, context) -> read(rs, view);
  }

  static FeatureRow read(ResultSet rs, FeatureView view) throws SQLException {
    return new FeatureRow(
        rs.getLong("id"),
        new FeatureId(rs.getString("dictionary"), rs.getLong("feature_index")),
        new FeatureStatistics(
            rs.getLong("activations"),
            rs.getDouble("density"),
            rs.getDouble("max_activation"),
            rs.getDouble("mean_activation")),
        rs.getLong("updated_micros"),
        view == FeatureView.FULL ? Optional.of(rs.getBytes("details")) : Optional.empty());
  }

  StoredFeature with(List<FeatureLabel> labels) {
    return new StoredFeature(
        id,
        statistics,
        labels,
        details.map(
            bytes ->
                new StoredFeature.Full(
                    DetailsCodec.decode(bytes),
                    Instant.EPOCH.plus(updatedMicros, ChronoUnit.MICROS))));
  }
}
