package io.github.tpdiff.serve.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.net.InetAddresses;
import io.github.tpdiff.serve.http.Refusal.Kind;
import java.net.URI;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Lets through what may be asked here: from a page of this service or from no page at all, by a
 * name that is this service's, with a key where there are keys.
 *
 * <p>A browser sends a page's requests to any address that the page names, also to a machine that
 * the page's author cannot reach. It says where the page is from ({@code Origin}, {@code
 * Sec-Fetch-Site}), and for which name it asks ({@code Host}), which is the only trace of a name
 * that was made to point here (DNS rebinding). Addresses cannot be made to point anywhere.
 */
public final class Guard extends Handler.Wrapper {
  private static final String BEARER = "Bearer ";

  private final Access access;
  private final List<byte[]> keys;

  /**
   * Who may ask.
   *
   * @param hosts names besides addresses and {@code localhost} that this service is called by
   * @param origins of other sites whose pages may ask, such as {@code https://app.example}
   * @param keys one of which each request carries, in {@code Authorization: Bearer}; none asks for
   *     none
   * @param open paths that need no key
   */
  public record Access(
      Set<String> hosts, Set<String> origins, List<String> keys, Set<String> open) {
    public Access {
      hosts = Set.copyOf(hosts);
      origins = Set.copyOf(origins);
      keys = List.copyOf(keys);
      open = Set.copyOf(open);
    }
  }

  public Guard(Access access, Handler next) {
    super(next);
    this.access = access;
    this.keys = access.keys.stream().map(Guard::digest).toList();
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    secure(response.getHeaders());
    try {
      requireHost(request);
      requireOrigin(request);
      requireKey(request, response);
    } catch (Refusal refusal) {
      Replies.refusal(response, callback, refusal);
      return true;
    }
    return super.handle(request, response, callback);
  }

  /** What keeps a browser from making more of a reply than it is. */
  private static void secure(HttpFields.Mutable headers) {
    headers.put("X-Content-Type-Options", "nosniff");
    headers.put("X-Frame-Options", "DENY");
    headers.put("Referrer-Policy", "no-referrer");
    headers.put("Cross-Origin-Resource-Policy", "same-origin");
    headers.put(HttpHeader.CACHE_CONTROL, "no-store");
    headers.put(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
            + " media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none';"
            + " frame-ancestors 'none'");
  }

  private void requireHost(Request request) {
    String host = Request.getServerName(request);
    String name =
        Optional.ofNullable(host)
            .orElse("")
            .toLowerCase(Locale.ROOT)
            .replaceAll("^\\[|\\]$|\\.$", "");
    if (!name.equals("localhost")
        && !InetAddresses.isInetAddress(name)
        && !access.hosts.contains(name)) {
      throw Refusal.of(
          Kind.FORBIDDEN,
          "Host: expected an address, localhost or a name that the service is told with --host-name,"
              + " found '%s'".formatted(name));
    }
  }

  private void requireOrigin(Request request) {
    HttpFields headers = request.getHeaders();
    Optional<String> origin = Optional.ofNullable(headers.get(HttpHeader.ORIGIN));
    if (origin.isPresent()) {
      if (!access.origins.contains(origin.get()) && !isOwn(origin.get(), request)) {
        throw Refusal.of(
            Kind.FORBIDDEN, "Origin: pages of %s may not ask here".formatted(origin.get()));
      }
      return;
    }
    boolean isForeign = "cross-site".equals(headers.get("Sec-Fetch-Site"));
    boolean isLink = "navigate".equals(headers.get("Sec-Fetch-Mode"));
    if (isForeign && !(isLink && request.getMethod().equals("GET"))) {
      throw Refusal.of(Kind.FORBIDDEN, "Sec-Fetch-Site: pages of other sites may not ask here");
    }
  }

  /** Whether a page is of the host that it asks, whatever a proxy before this speaks. */
  private static boolean isOwn(String origin, Request request) {
    String host = Optional.ofNullable(request.getHeaders().get(HttpHeader.HOST)).orElse("");
    try {
      URI page = URI.create(origin);
      return Set.of("http", "https").contains(String.valueOf(page.getScheme()))
          && host.equalsIgnoreCase(page.getRawAuthority());
    } catch (IllegalArgumentException notAnOrigin) {
      return false;
    }
  }

  private void requireKey(Request request, Response response) {
    if (keys.isEmpty() || access.open.contains(Request.getPathInContext(request))) {
      return;
    }
    String given =
        Optional.ofNullable(request.getHeaders().get(HttpHeader.AUTHORIZATION)).orElse("");
    byte[] found =
        digest(
            given.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? given.substring(BEARER.length()).strip()
                : "");
    // Every key is looked at, so that the time says nothing of which is like this one.
    boolean known = false;
    for (byte[] key : keys) {
      known |= MessageDigest.isEqual(key, found);
    }
    if (!known) {
      response.getHeaders().put(HttpHeader.WWW_AUTHENTICATE, "Bearer");
      throw Refusal.of(
          Kind.NO_KEY,
          given.isEmpty()
              ? "Authorization: expected 'Bearer KEY', found none"
              : "Authorization: expected 'Bearer ' and a key of this service, found another");
    }
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
