package io.github.tpdiff.serve.http;

import io.github.tpdiff.serve.http.Refusal.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import org.eclipse.jetty.http.content.HttpContent;
import org.eclipse.jetty.http.content.ResourceHttpContent;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.server.ResourceService;
import org.eclipse.jetty.util.resource.ResourceFactory;

/** Answers with files: whole, their head, or ranges of them. */
public final class FileReplies {
  private final ResourceService service = new ResourceService();

  public FileReplies() {
    service.setAcceptRanges(true);
    service.setDirAllowed(false);
    service.setEtags(true);
    // What is there once does not change, but goes: it is not kept beyond an hour.
    service.setCacheControl("private, max-age=3600");
  }

  /**
   * Answers with a file.
   *
   * @param type its media type
   * @param name under which a browser saves it
   * @throws Refusal if it is not there
   */
  public void answer(Routes.Exchange call, Path file, String type, String name) {
    if (!Files.isRegularFile(file)) {
      throw Refusal.of(Kind.NOT_FOUND, "the file is gone");
    }
    call.response()
        .getHeaders()
        .put("Content-Disposition", "inline; filename=\"%s\"".formatted(name));
    HttpContent content =
        new ResourceHttpContent(
            ResourceFactory.root().newResource(file), type, ByteBufferPool.SIZED_NON_POOLING);
    service.doGet(call.request(), call.response(), call.callback(), content);
  }
}
