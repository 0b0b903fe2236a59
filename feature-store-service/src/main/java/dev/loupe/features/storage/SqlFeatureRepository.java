package dev.loupe.features.storage;

import dev.loupe.features.domain.Feature;
import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureLabel;
import dev.loupe.features.domain.FeatureMatches;
import dev.loupe.features.domain.FeatureNotFoundException;
import dev.loupe.features.domain.FeaturePage;
import dev.loupe.features.domain.FeatureQuery;
import dev.loupe.features.domain.FeatureRepository;
import dev.loupe.features.domain.FeatureSearch;
import dev.loupe.features.domain.FeatureView;
import dev.loupe.features.domain.LabelEntry;
import dev.loupe.features.domain.LabelNotFoundException;
import dev.loupe.features.domain.StoredFeature;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.result.ResultIterator;

/** Features in SQLite or PostgreSQL. */
public final class SqlFeatureRepository implements FeatureRepository {

  /**
   * A page of full features ends before the first that takes it over this many bytes, but has at
   * least one.
   */
  private static final int MAX_PAGE_BYTES = 3 << 20;

  private final Database database;
  private final Clock clock;
  private final LabelTable labels;
  private final FeatureTable features;

  /**
   * Keeps features in a database.
   *
   * @param database stays open when this is no longer used
   * @param clock says when a feature is written
   */
  public SqlFeatureRepository(Database database, Clock clock) {
    this.database = database;
    this.clock = clock;
    this.labels = new LabelTable(database.dialect());
    this.features = new FeatureTable(database.dialect(), labels);
  }

  @Override
  public void upsert(String dictionary, List<Feature> written) {
    database.writeOnly(handle -> features.upsert(handle, dictionary, written, clock.instant()));
  }

  @Override
  public List<StoredFeature> get(String dictionary, List<Long> indices, FeatureView view) {
    return database.read(
        handle -> {
          List<StoredFeature> found =
              labelled(handle, features.read(handle, dictionary, indices, view));
          Map<Long, StoredFeature> byIndex = new HashMap<>();
          found.forEach(feature -> byIndex.put(feature.id().index(), feature));
          return indices.stream().filter(byIndex::containsKey).map(byIndex::get).toList();
        });
  }

  @Override
  public FeaturePage list(FeatureQuery query) {
    ListSql sql = ListSql.of(query, database.dialect());
    return database.read(
        handle -> {
          List<FeatureRow> rows = new ArrayList<>();
          long bytes = 0;
          try (ResultIterator<FeatureRow> found =
              handle
                  .createQuery(sql.text())
                  .bindMap(sql.parameters())
                  .setFetchSize(FeatureTable.FETCH_SIZE)
                  .map(FeatureRow.mapper(query.view()))
                  .iterator()) {
            while (found.hasNext()) {
              FeatureRow row = found.next();
              bytes += row.details().map(d -> d.length).orElse(0);
              if (rows.size() == query.limit() || (!rows.isEmpty() && bytes > MAX_PAGE_BYTES)) {
                return new FeaturePage(labelled(handle, rows), true);
              }
              rows.add(row);
            }
          }
          return new FeaturePage(labelled(handle, rows), false);
        });
  }

  @Override
  public FeatureMatches search(FeatureSearch search) {
    SearchSql sql = SearchSql.of(search, database.dialect());
    return database.read(
        handle -> {
          Map<FeatureRow, Integer> points = new LinkedHashMap<>();
          handle
              .createQuery(sql.text())
              .bindMap(sql.parameters())
              .map(
                  (rs, context) ->
                      Map.entry(FeatureRow.read(rs, FeatureView.BASIC), rs.getInt("points")))
              .forEach(entry -> points.put(entry.getKey(), entry.getValue()));
          List<FeatureMatches.Match> matches = new ArrayList<>();
          Iterator<StoredFeature> found = labelled(handle, List.copyOf(points.keySet())).iterator();
          points.values().forEach(p -> matches.add(new FeatureMatches.Match(found.next(), p)));
          boolean more = matches.size() > search.limit();
          return new FeatureMatches(more ? matches.subList(0, search.limit()) : matches, more);
        });
  }

  @Override
  public void delete(FeatureId id) {
    database.writeOnly(
        handle -> {
          if (!features.delete(handle, id)) {
            throw new FeatureNotFoundException(id);
          }
        });
  }

  @Override
  public long deleteAll(String dictionary) {
    return database.write(handle -> features.deleteAll(handle, dictionary));
  }

  @Override
  public void upsertLabels(String dictionary, List<LabelEntry> entries) {
    // Sorted, as every writer locks features in the order of their indices.
    Map<Long, List<FeatureLabel>> byIndex = new TreeMap<>();
    entries.forEach(
        entry ->
            byIndex.computeIfAbsent(entry.feature(), f -> new ArrayList<>()).add(entry.label()));
    database.writeOnly(
        handle -> {
          Map<Long, Long> rows = features.rows(handle, dictionary, byIndex.keySet());
          Map<Long, List<FeatureLabel>> byRow = new LinkedHashMap<>();
          Map<Long, FeatureId> ids = new HashMap<>();
          byIndex.forEach(
              (index, list) -> {
                FeatureId id = new FeatureId(dictionary, index);
                Long row = rows.get(index);
                if (row == null) {
                  throw new FeatureNotFoundException(id);
                }
                byRow.put(row, list);
                ids.put(row, id);
              });
          labels.upsert(handle, byRow, ids);
        });
  }

  @Override
  public void deleteLabel(FeatureId id, String label) {
    database.writeOnly(
        handle -> {
          long row = features.row(handle, id).orElseThrow(() -> new FeatureNotFoundException(id));
          if (!labels.delete(handle, row, id, label)) {
            throw new LabelNotFoundException(id, label);
          }
        });
  }

  private List<StoredFeature> labelled(Handle handle, List<FeatureRow> rows) {
    Map<Long, List<FeatureLabel>> byRow =
        labels.read(handle, rows.stream().map(FeatureRow::row).toList());
    return rows.stream().map(row -> row.with(byRow.getOrDefault(row.row(), List.of()))).toList();
  }
}
