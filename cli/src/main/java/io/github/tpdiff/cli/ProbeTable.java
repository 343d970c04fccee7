package io.github.tpdiff.cli;

import io.github.tpdiff.lora.train.StageLosses;
import io.github.tpdiff.lora.train.StageProbe;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.graph.Program;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * What a checkpoint knows of stages before any training.
 *
 * @param out where lines go
 */
record ProbeTable(PrintWriter out) {
  /** A line for each stage, and which positions are best. */
  void print(StagePlan plan, StageLosses losses, Program network) {
    List<PositionRules> rules = List.copyOf(losses.staged().keySet());
    out.println(
        "mean squared error of what the checkpoint predicts before any training, by the positions"
            + " that it is told, beside its own diffusion at the same times:");
    var head = new StringBuilder("stage  latent grid  ");
    rules.forEach(own -> head.append("%22s".formatted(StageText.positions(own))));
    out.println(head.append("  vanilla  times that"));
    for (Stage stage : plan.stages()) {
      if (losses.vanilla().containsKey(stage.number())) {
        row(stage, losses, rules);
      }
    }
    out.println(choice(plan, losses, network));
    out.flush();
  }

  private void row(Stage stage, StageLosses losses, List<PositionRules> rules) {
    var line = new StringBuilder("%5d  %11s  ".formatted(stage.number(), stage.grid().size()));
    rules.forEach(
        own ->
            line.append(String.format(Locale.ROOT, "%22.4f", losses.of(own).get(stage.number()))));
    out.printf(
        Locale.ROOT,
        "%s  %7.4f  %10.2f%n",
        line,
        losses.vanilla().get(stage.number()),
        Objects.requireNonNull(losses.excess().get(stage.number())));
  }

  private static String choice(StagePlan plan, StageLosses losses, Program network) {
    var strides = plan.config().largestStrides();
    String unread =
        !strides.isOfTimeAlone() && !StageProbe.reads(network, GridAxis.HEIGHT)
            ? "; this network reads no positions of rows and columns, so there is nothing to choose"
            : "";
    return losses.staged().size() == 1
        ? "positions: " + losses.best() + unread
        : "positions: %s, of the least sum over the stages%s".formatted(losses.best(), unread);
  }
}
