package io.github.tpdiff.serve;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Optional;

/**
 * What an operator lets clients ask for; what is left open has a default.
 *
 * @param pixels of a frame, width times height; as many as 1920x1088 unless it is said
 * @param frames of a video; 257 unless it is said
 * @param steps of sampling; 100 unless it is said
 * @param promptCharacters of a prompt, and of a negative one; 4000 unless it is said
 * @param bodyBytes of a request; 20 MiB unless it is said
 * @param bodySeconds for a request to arrive; 30 unless it is said
 * @param picturePixels of a picture that is sent; 16 million unless it is said
 * @param queue jobs that wait; 16 unless it is said
 * @param connections that are open at a time; 1024 unless it is said
 */
public record Limits(
    Optional<Integer> pixels,
    Optional<Integer> frames,
    Optional<Integer> steps,
    Optional<Integer> promptCharacters,
    Optional<Integer> bodyBytes,
    Optional<Integer> bodySeconds,
    Optional<Integer> picturePixels,
    Optional<Integer> queue,
    Optional<Integer> connections) {
  /** More stages than anybody samples in: each halves the frames or the sides. */
  static final int STAGES = 8;

  /** More than any stage has over the one before. */
  static final int RATE = 16;

  /** More LoRAs than anybody puts on at a time. */
  static final int LORAS = 8;

  /**
   * @throws IllegalArgumentException if one is not positive
   */
  public Limits {
    positive("pixels", pixels);
    positive("frames", frames);
    positive("steps", steps);
    positive("prompt_characters", promptCharacters);
    positive("body_bytes", bodyBytes);
    positive("body_seconds", bodySeconds);
    positive("picture_pixels", picturePixels);
    positive("queue", queue);
    positive("connections", connections);
  }

  private static void positive(String name, Optional<Integer> value) {
    value.ifPresent(
        number ->
            checkArgument(number >= 1, "limits.%s: expected at least 1, found %s", name, number));
  }

  /** All defaults. */
  public static Limits open() {
    return new Limits(
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** What this says, and what another says where this leaves it open. */
  Limits over(Limits other) {
    return new Limits(
        pixels.or(other::pixels),
        frames.or(other::frames),
        steps.or(other::steps),
        promptCharacters.or(other::promptCharacters),
        bodyBytes.or(other::bodyBytes),
        bodySeconds.or(other::bodySeconds),
        picturePixels.or(other::picturePixels),
        queue.or(other::queue),
        connections.or(other::connections));
  }

  int mostPixels() {
    return pixels.orElse(1920 * 1088);
  }

  int mostFrames() {
    return frames.orElse(257);
  }

  int mostSteps() {
    return steps.orElse(100);
  }

  int mostPromptCharacters() {
    return promptCharacters.orElse(4000);
  }

  int mostBodyBytes() {
    return bodyBytes.orElse(20 << 20);
  }

  int mostBodySeconds() {
    return bodySeconds.orElse(30);
  }

  int mostPicturePixels() {
    return picturePixels.orElse(16_000_000);
  }

  int mostQueued() {
    return queue.orElse(16);
  }

  int mostConnections() {
    return connections.orElse(1024);
  }
}
