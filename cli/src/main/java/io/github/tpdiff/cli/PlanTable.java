package io.github.tpdiff.cli;

import io.github.tpdiff.lora.data.LatentSample;
import io.github.tpdiff.lora.train.StageSearch;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentSpectrum;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Boundaries;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Candidate;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * What was weighed of a user's clips, and why one of it was chosen: the chosen, its nearest rivals
 * and one stage.
 *
 * @param out where lines go
 */
record PlanTable(PrintWriter out) {
  /** On each side of the chosen. */
  private static final int RIVALS = 3;

  private static final GridFactor[] SAID = {
    GridFactor.ofTime(2),
    GridFactor.ofTime(4),
    new GridFactor(1, 2, 2),
    new GridFactor(1, 4, 4),
    GridFactor.cube(2)
  };

  void print(LatentSample sample, StageSearch search, Boundaries boundaries) {
    LatentSpectrum spectrum = search.planner().spectrum();
    out.printf(
        Locale.ROOT,
        "%d clips of %d videos, %s latent frames, rows and columns%s%n",
        sample.sampled().size(),
        sample.videos(),
        spectrum.grid(),
        spectrum.given() > 0 ? "; without the first frame, which a picture gives" : "");
    var discarded = new ArrayList<String>();
    for (GridFactor strides : SAID) {
      discarded.add(
          String.format(
              Locale.ROOT, "%s %.1f %%", strides.crossed(), 100 * spectrum.powerLost(strides)));
    }
    out.println("of their power strides discard: " + String.join(", ", discarded));
    out.println(
        "stages  rates          boundaries  nats lost at them   split  FLOPs of vanilla  excess");
    List<Candidate> shown = shown(search);
    for (Candidate candidate : shown) {
      row(candidate, search);
    }
    int others = search.candidates().size() - shown.size();
    if (others > 0) {
      out.printf(Locale.ROOT, "and %d others, dearer or further beyond the budget%n", others);
    }
    reasons(search, boundaries);
    StageText.print(search.stages(), out);
  }

  /**
   * One stage, then the nearest that cost more than the chosen, the chosen, the nearest cheaper.
   */
  private static List<Candidate> shown(StageSearch search) {
    List<Candidate> byCost =
        search.candidates().stream()
            .skip(1)
            .sorted(Comparator.comparingDouble(Candidate::cost).reversed())
            .toList();
    var shown = new ArrayList<Candidate>(List.of(search.candidates().get(0)));
    Candidate chosen = search.chosen();
    List<Candidate> dearer =
        byCost.stream()
            .filter(c -> c.cost() >= chosen.cost() && !c.equals(chosen))
            .filter(search.planner()::keeps)
            .toList();
    shown.addAll(dearer.subList(Math.max(0, dearer.size() - RIVALS), dearer.size()));
    byCost.stream().filter(chosen::equals).forEach(shown::add);
    List<Candidate> cheaper = byCost.stream().filter(c -> c.cost() < chosen.cost()).toList();
    var nearest =
        new ArrayList<>(
            cheaper.stream()
                .filter(c -> search.losses(c).isEmpty())
                .sorted(Comparator.comparingDouble(Candidate::mostLost))
                .limit(RIVALS)
                .toList());
    nearest.addAll(search.probed().keySet());
    cheaper.stream().filter(nearest::contains).forEach(shown::add);
    return shown;
  }

  private void row(Candidate candidate, StageSearch search) {
    out.printf(
        Locale.ROOT,
        "%6d  %-13s  %-10s  %17s  %6s  %16.3f  %6s%s%n",
        candidate.stages().stages(),
        StageText.rates(candidate.stages()),
        StageText.words(candidate.starts(), "%.2f"),
        StageText.words(candidate.lost(), "%.4f"),
        StageText.split(candidate.stages()),
        candidate.cost(),
        search
            .losses(candidate)
            .map(losses -> String.format(Locale.ROOT, "%.2f", losses.mostExcess()))
            .orElse("-"),
        verdict(candidate, search));
  }

  private static String verdict(Candidate candidate, StageSearch search) {
    if (candidate.equals(search.chosen())) {
      return "  chosen";
    }
    if (!search.planner().keeps(candidate)) {
      return "  loses more than the budget";
    }
    if (search.losses(candidate).isPresent()) {
      return "  too far from what the checkpoint knows";
    }
    return candidate.cost() < search.chosen().cost() ? "  not probed" : "  costs more";
  }

  private void reasons(StageSearch search, Boundaries boundaries) {
    out.printf(
        Locale.ROOT,
        "chosen is the cheapest of %d that loses at most %s nats at every boundary (--budget)%s%n",
        search.candidates().size(),
        search.planner().budget(),
        search.excess().isPresent()
            ? String.format(
                Locale.ROOT,
                ", and whose loss before training is in no stage more than %s times the"
                    + " checkpoint's own at the same times (--excess); %d were tried of the cheapest over time, over space and over"
                    + " both",
                search.excess().getAsDouble(),
                search.probed().size())
            : ". That is all that is weighed: how far a network is from it is not (--probe)");
    out.println(
        boundaries == Boundaries.SCHEDULE
            ? "boundaries are equal parts of the checkpoint's schedule, which trained better than"
                + " those of the spectrum in a small experiment (--boundaries-from spectrum)"
            : "boundaries of the spectrum trained worse than equal parts of the schedule in a small"
                + " experiment: compare before relying on them");
  }
}
