package io.github.tpdiff.serve.job;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.serving.VideoOrder;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The jobs on the disk. What a call has written is there for good when the call returns, whatever
 * becomes of the process or the machine.
 *
 * <p>Safe for use by several threads; one of them is served at a time. A failure of the database is
 * an {@link IllegalStateException}.
 */
public final class JobDatabase implements AutoCloseable {
  private static final int VERSION = 1;
  private static final RecordJson<VideoOrder> ORDERS = RecordJson.handWritten(VideoOrder.class);

  private final Connection connection;

  private JobDatabase(Connection connection) {
    this.connection = connection;
  }

  /**
   * Opens a database, or makes one.
   *
   * @throws CheckpointException if the file cannot be opened, is none or of a newer version
   */
  public static JobDatabase open(Path file) {
    try {
      Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
      try (Statement statement = connection.createStatement()) {
        // Readers and the writer do not wait for each other, and each commit is forced to the disk.
        statement.execute("PRAGMA journal_mode = WAL");
        statement.execute("PRAGMA synchronous = FULL");
        prepare(statement, file);
      } catch (SQLException | CheckpointException failure) {
        connection.close();
        throw failure;
      }
      return new JobDatabase(connection);
    } catch (SQLException failure) {
      throw new CheckpointException(
          "%s: cannot be opened as a database of jobs: %s".formatted(file, failure.getMessage()),
          failure);
    }
  }

  private static void prepare(Statement statement, Path file) throws SQLException {
    int version;
    try (ResultSet found = statement.executeQuery("PRAGMA user_version")) {
      version = found.getInt(1);
    }
    if (version > VERSION) {
      throw new CheckpointException(
          "%s: version: expected at most %d, found %d; a newer tpdiff reads it"
              .formatted(file, VERSION, version));
    }
    statement.execute(
        """
        CREATE TABLE IF NOT EXISTS jobs (
          place INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          state TEXT NOT NULL,
          asked TEXT NOT NULL,
          width INTEGER NOT NULL, height INTEGER NOT NULL, frames INTEGER NOT NULL,
          fps REAL NOT NULL, steps INTEGER NOT NULL,
          created INTEGER NOT NULL, ended INTEGER, expires INTEGER,
          error_code TEXT, error_message TEXT,
          request_key TEXT UNIQUE, request_body TEXT)
        """);
    statement.execute("CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, place)");
    statement.execute("CREATE INDEX IF NOT EXISTS jobs_by_expiry ON jobs (expires)");
    statement.execute("PRAGMA user_version = " + VERSION);
  }

  /**
   * Adds a job.
   *
   * @param request if the client gave it a key
   * @return false if there is one of that key
   */
  public synchronized boolean add(Job job, Optional<Idempotency> request) {
    String sql =
        """
        INSERT INTO jobs (id, state, asked, width, height, frames, fps, steps, created,
          request_key, request_body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (request_key) DO NOTHING
        """;
    VideoSize size = job.shape().size();
    return update(
            sql,
            job.id(),
            word(job.state()),
            ORDERS.format(job.order()),
            size.width(),
            size.height(),
            size.frames(),
            size.fps(),
            job.shape().steps(),
            job.times().created().toEpochMilli(),
            request.map(Idempotency::key).orElse(null),
            request.map(Idempotency::body).orElse(null))
        == 1;
  }

  /** Writes how a job ended; false if it is not there or has ended. */
  public synchronized boolean end(Job ended) {
    return update(
            """
            UPDATE jobs SET state = ?, ended = ?, expires = ?, error_code = ?, error_message = ?
            WHERE id = ? AND state = 'queued'
            """,
            word(ended.state()),
            millis(ended.times().ended()),
            millis(ended.times().expires()),
            ended.error().map(Job.Failure::code).orElse(null),
            ended.error().map(Job.Failure::message).orElse(null),
            ended.id())
        == 1;
  }

  /** Forgets a job; false if it is not there. */
  public synchronized boolean remove(String id) {
    return update("DELETE FROM jobs WHERE id = ?", id) == 1;
  }

  /** A job by its name. */
  public synchronized Optional<Job> find(String id) {
    return query("SELECT * FROM jobs WHERE id = ?", id).stream().findFirst();
  }

  /**
   * A job by the key that its client chose.
   *
   * @param same whether the body that came with it was this
   */
  public record Repeated(Job job, boolean same) {}

  /** The job of a request that was sent before. */
  public synchronized Optional<Repeated> repeated(Idempotency request) {
    return query("SELECT * FROM jobs WHERE request_key = ?", request.key()).stream()
        .findFirst()
        .map(
            job ->
                new Repeated(
                    job,
                    !query(
                            "SELECT * FROM jobs WHERE id = ? AND request_body = ?",
                            job.id(),
                            request.body())
                        .isEmpty()));
  }

  /** Jobs that have not ended, the oldest first. */
  public synchronized List<Job> queued() {
    return query("SELECT * FROM jobs WHERE state = 'queued' ORDER BY place");
  }

  /** Jobs that are to be forgotten. */
  public synchronized List<Job> expired(Instant now) {
    return query("SELECT * FROM jobs WHERE expires <= ? LIMIT 1000", now.toEpochMilli());
  }

  /**
   * Some of all jobs.
   *
   * @param after the name of the job before the first; from the beginning if there is none
   * @param limit how many at most
   * @param newestFirst the order
   */
  public record Page(Optional<String> after, int limit, boolean newestFirst) {}

  /** A page of jobs; nothing if there is no job of the name that it begins after. */
  public synchronized List<Job> list(Page page) {
    String order = page.newestFirst() ? "DESC" : "ASC";
    if (page.after().isEmpty()) {
      return query("SELECT * FROM jobs ORDER BY place " + order + " LIMIT ?", page.limit());
    }
    return query(
        "SELECT * FROM jobs WHERE place %s (SELECT place FROM jobs WHERE id = ?) ORDER BY place %s LIMIT ?"
            .formatted(page.newestFirst() ? "<" : ">", order),
        page.after().get(),
        page.limit());
  }

  /** How many jobs there are of each state. */
  public synchronized Map<JobState, Integer> counts() {
    var counts = new EnumMap<JobState, Integer>(JobState.class);
    for (JobState state : JobState.values()) {
      counts.put(state, 0);
    }
    try (PreparedStatement statement =
            connection.prepareStatement("SELECT state, count(*) FROM jobs GROUP BY state");
        ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        counts.put(state(rows.getString(1)), rows.getInt(2));
      }
    } catch (SQLException failure) {
      throw failed(failure);
    }
    return counts;
  }

  private int update(String sql, @Nullable Object... values) {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      bind(statement, values);
      return statement.executeUpdate();
    } catch (SQLException failure) {
      throw failed(failure);
    }
  }

  private List<Job> query(String sql, @Nullable Object... values) {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      bind(statement, values);
      var jobs = new ArrayList<Job>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          jobs.add(job(rows));
        }
      }
      return List.copyOf(jobs);
    } catch (SQLException failure) {
      throw failed(failure);
    }
  }

  private static void bind(PreparedStatement statement, @Nullable Object[] values)
      throws SQLException {
    for (int i = 0; i < values.length; i++) {
      statement.setObject(i + 1, values[i]);
    }
  }

  private static Job job(ResultSet row) throws SQLException {
    String id = row.getString("id");
    String code = row.getString("error_code");
    return new Job(
        id,
        ORDERS.parse(row.getString("asked"), id),
        new Job.Shape(
            new VideoSize(
                row.getInt("height"),
                row.getInt("width"),
                row.getInt("frames"),
                row.getDouble("fps")),
            row.getInt("steps")),
        state(row.getString("state")),
        new Job.Times(
            Instant.ofEpochMilli(row.getLong("created")),
            instant(row, "ended"),
            instant(row, "expires")),
        code == null
            ? Optional.empty()
            : Optional.of(new Job.Failure(code, requireNonNull(row.getString("error_message")))));
  }

  private static Optional<Instant> instant(ResultSet row, String column) throws SQLException {
    long millis = row.getLong(column);
    return row.wasNull() ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
  }

  private static @Nullable Long millis(Optional<Instant> time) {
    return time.map(Instant::toEpochMilli).orElse(null);
  }

  private static String word(JobState state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  private static JobState state(String word) {
    return JobState.valueOf(word.toUpperCase(Locale.ROOT));
  }

  private static IllegalStateException failed(SQLException failure) {
    return new IllegalStateException("the database of jobs: " + failure.getMessage(), failure);
  }

  @Override
  public synchronized void close() {
    try {
      connection.close();
    } catch (SQLException failure) {
      throw failed(failure);
    }
  }
}
