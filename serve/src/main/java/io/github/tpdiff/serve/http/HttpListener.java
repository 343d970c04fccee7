package io.github.tpdiff.serve.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.CrossOriginHandler;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** Listens for HTTP until it is closed; replies that are on their way then have some seconds. */
public final class HttpListener implements AutoCloseable {
  private static final int THREADS = 100;
  private static final int SILENCE_MILLIS = 30_000;
  private static final int STOP_SILENCE_MILLIS = 200;
  private static final int STOP_MILLIS = 5_000;

  private final Server server;
  private final ServerConnector connector;

  private HttpListener(Server server, ServerConnector connector) {
    this.server = server;
    this.connector = connector;
  }

  /**
   * Where and how to listen.
   *
   * @param host a name or address of this machine
   * @param port 0 for any that is free
   * @param connections that are open at a time; more wait
   * @param origins other sites whose pages may ask
   */
  public record Settings(String host, int port, int connections, Set<String> origins) {
    public Settings {
      origins = Set.copyOf(origins);
    }
  }

  /**
   * Listens.
   *
   * @throws IOException if it cannot
   */
  public static HttpListener open(Settings settings, Handler handler) throws IOException {
    var threads = new QueuedThreadPool(THREADS);
    threads.setName("tpdiff-http");
    threads.setDaemon(true);
    var server = new Server(threads);
    var configuration = new HttpConfiguration();
    configuration.setSendServerVersion(false);
    var connector = new ServerConnector(server, new HttpConnectionFactory(configuration));
    connector.setHost(settings.host);
    connector.setPort(settings.port);
    connector.setIdleTimeout(SILENCE_MILLIS);
    // A client that only keeps its connection does not hold up a stop.
    connector.setShutdownIdleTimeout(STOP_SILENCE_MILLIS);
    server.addConnector(connector);
    server.addBean(new NetworkConnectionLimit(settings.connections, connector));
    server.setErrorHandler(new JsonErrorHandler());
    server.setStopTimeout(STOP_MILLIS);
    server.setHandler(
        new GracefulHandler(
            settings.origins.isEmpty() ? handler : shared(handler, settings.origins)));
    try {
      server.start();
    } catch (Exception failure) {
      try {
        server.stop();
      } catch (Exception also) {
        failure.addSuppressed(also);
      }
      throw failure instanceof IOException unbound
          ? unbound
          : new IOException(
              "cannot listen at %s:%d".formatted(settings.host, settings.port), failure);
    }
    return new HttpListener(server, connector);
  }

  private static Handler shared(Handler handler, Set<String> origins) {
    var cors = new CrossOriginHandler();
    cors.setAllowedOriginPatterns(origins.stream().map(Pattern::quote).collect(Collectors.toSet()));
    cors.setAllowedMethods(Set.of("GET", "HEAD", "POST", "DELETE"));
    cors.setAllowedHeaders(Set.of("Authorization", "Content-Type", "Idempotency-Key", "Range"));
    cors.setAllowCredentials(false);
    cors.setHandler(handler);
    return cors;
  }

  /** Whether it is reached from this machine alone. */
  public boolean isLoopback() {
    try {
      return InetAddress.getByName(connector.getHost()).isLoopbackAddress();
    } catch (IOException unknown) {
      return false;
    }
  }

  /** Where it listens, such as {@code http://127.0.0.1:8420}. */
  public URI address() {
    String host = connector.getHost();
    return URI.create(
        "http://%s:%d"
            .formatted(host.contains(":") ? "[" + host + "]" : host, connector.getLocalPort()));
  }

  @Override
  public void close() throws IOException {
    try {
      server.stop();
    } catch (Exception failure) {
      throw new IOException("the server did not stop", failure);
    }
  }
}
