package io.github.tpdiff.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.github.tpdiff.serve.http.Replies;
import io.github.tpdiff.serve.http.Routes;
import java.io.IOException;
import java.net.URI;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** The service: listens from when it is opened until it is closed. */
public final class VideoServer implements AutoCloseable {
  private final Server server;
  private final ServerConnector connector;

  private VideoServer(Server server, ServerConnector connector) {
    this.server = server;
    this.connector = connector;
  }

  /**
   * Listens.
   *
   * @param host a name or address of this machine
   * @param port 0 for any that is free
   * @throws IOException if it cannot
   */
  public static VideoServer open(String host, int port) throws IOException {
    var threads = new QueuedThreadPool();
    threads.setName("tpdiff-http");
    var server = new Server(threads);
    var configuration = new HttpConfiguration();
    configuration.setSendServerVersion(false);
    var connector = new ServerConnector(server, new HttpConnectionFactory(configuration));
    connector.setHost(host);
    connector.setPort(port);
    server.addConnector(connector);
    server.setHandler(routes());
    try {
      server.start();
    } catch (IOException unbound) {
      throw unbound;
    } catch (Exception failure) {
      throw new IOException("cannot listen at %s:%d".formatted(host, port), failure);
    }
    return new VideoServer(server, connector);
  }

  private static Routes routes() {
    return new Routes()
        .add(
            "GET",
            "/health",
            call ->
                Replies.json(
                    call.response(),
                    call.callback(),
                    200,
                    JsonNodeFactory.instance.objectNode().put("status", "ok")));
  }

  /** Where it listens, such as {@code http://127.0.0.1:8080}. */
  public URI address() {
    return URI.create("http://%s:%d".formatted(connector.getHost(), connector.getLocalPort()));
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
