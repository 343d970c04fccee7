package io.github.tpdiff.serve.http;

import io.github.tpdiff.serve.http.Refusal.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.pathmap.UriTemplatePathSpec;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Which endpoint answers which call; what an endpoint refuses becomes an error object, and so does
 * a path that nobody has.
 */
public final class Routes extends Handler.Abstract {
  private static final Logger LOG = Logger.getLogger(Routes.class.getName());

  private final Observer observer;
  private final List<Route> routes = new ArrayList<>();

  public Routes(Observer observer) {
    this.observer = observer;
  }

  /** Is told of every call that was answered. */
  @FunctionalInterface
  public interface Observer {
    /**
     * A call was answered.
     *
     * @param route the path as it was added, or {@code none}
     * @param nanos from the first byte of the request to the last of the reply
     */
    void onAnswered(String method, String route, int status, long nanos);
  }

  private record Route(String method, UriTemplatePathSpec path, Endpoint endpoint) {}

  private void observe(Request request, Response response, String route) {
    String method = request.getMethod();
    Request.addCompletionListener(
        request,
        failure ->
            observer.onAnswered(
                method,
                route,
                response.getStatus(),
                System.nanoTime() - request.getBeginNanoTime()));
  }

  /** Answers calls of one method and path. */
  @FunctionalInterface
  public interface Endpoint {
    /**
     * Answers, now or later.
     *
     * @throws Refusal if the request is not to be answered otherwise
     */
    void answer(Exchange exchange) throws Exception;
  }

  /**
   * One call.
   *
   * @param parameters what stood for the names in the path
   */
  public record Exchange(
      Request request, Response response, Callback callback, Map<String, String> parameters) {
    public Exchange {
      parameters = Map.copyOf(parameters);
    }

    /** Answers with what has gone wrong: a refusal as it is, anything else as a fault of ours. */
    public void fail(Throwable failure) {
      Routes.fail(response, callback, failure);
    }
  }

  /**
   * Adds an endpoint; a {@code GET} answers {@code HEAD} too. The first that fits answers.
   *
   * @param path such as {@code /v1/videos/{id}}
   */
  public Routes add(String method, String path, Endpoint endpoint) {
    routes.add(new Route(method, new UriTemplatePathSpec(path), endpoint));
    return this;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    String path = Request.getPathInContext(request);
    Set<String> methods = new LinkedHashSet<>();
    try {
      for (Route route : routes) {
        if (!route.path.matches(path)) {
          continue;
        }
        methods.add(route.method);
        if (route.method.equals(request.getMethod())
            || (route.method.equals("GET") && request.getMethod().equals("HEAD"))) {
          var parameters =
              Optional.ofNullable(route.path.getPathParams(path)).orElseGet(LinkedHashMap::new);
          observe(request, response, route.path.getDeclaration());
          route.endpoint.answer(new Exchange(request, response, callback, parameters));
          return true;
        }
      }
      observe(request, response, "none");
      throw methods.isEmpty()
          ? Refusal.of(Kind.NOT_FOUND, "there is nothing at this path")
          : wrongMethod(response, request.getMethod(), methods);
    } catch (Exception failure) {
      fail(response, callback, failure);
    }
    return true;
  }

  private static Refusal wrongMethod(Response response, String found, Set<String> methods) {
    String allowed = String.join(", ", methods);
    response.getHeaders().put(HttpHeader.ALLOW, allowed);
    return Refusal.of(
        Kind.WRONG_METHOD, "expected one of %s at this path, found %s".formatted(allowed, found));
  }

  private static void fail(Response response, Callback callback, Throwable failure) {
    if (response.isCommitted()) {
      callback.failed(failure);
      return;
    }
    Refusal refusal = failure instanceof Refusal known ? known : fault(failure);
    Replies.refusal(response, callback, refusal);
  }

  private static Refusal fault(Throwable failure) {
    LOG.log(Level.WARNING, "a request failed", failure);
    return Refusal.of(Kind.INTERNAL, "a fault of the service; its log says more");
  }
}
