package io.github.tpdiff.conformance;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The arrows between modules and rooms, and who may see which library. */
class ArchitectureTest {
  private static final String ROOT = "io.github.tpdiff.";

  /** Each room with how many classes it has at least, so that no rule holds of an empty set. */
  private static final Map<String, Integer> ROOMS =
      Map.ofEntries(
          Map.entry("weights", 40),
          Map.entry("runtime.graph", 10),
          Map.entry("runtime.engine", 4),
          Map.entry("runtime.optim", 8),
          Map.entry("runtime.diffusion", 25),
          Map.entry("runtime.text", 8),
          Map.entry("runtime.video", 5),
          Map.entry("runtime.picture", 8),
          Map.entry("runtime.media", 12),
          Map.entry("runtime.model", 25),
          Map.entry("runtime.pipeline", 10),
          Map.entry("runtime.serving", 12),
          Map.entry("runtime.torch", 8),
          Map.entry("runtime.onnx", 10),
          Map.entry("runtime.cost", 8),
          Map.entry("adapters.wan", 10),
          Map.entry("adapters.animatediff", 15),
          Map.entry("adapters.miniflux", 12),
          Map.entry("adapters.madeup", 6),
          Map.entry("lora", 15),
          Map.entry("evaluation", 4),
          Map.entry("serve", 4),
          Map.entry("cli", 4),
          Map.entry("conformance", 30));

  /** The artifacts of the runtime that bring a native library; its other rooms are its core. */
  private static final Set<String> NATIVE =
      Set.of("runtime.torch", "runtime.onnx", "runtime.media");

  private static final JavaClasses HOUSE =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          // The runtime's test classes also come as a jar.
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("io.github.tpdiff");

  @TestFactory
  Stream<DynamicTest> everyRoom_hasClasses() {
    return ROOMS.entrySet().stream()
        .map(
            room ->
                DynamicTest.dynamicTest(
                    room.getKey(),
                    () ->
                        assertThat(
                                HOUSE.that(resideInAPackage(ROOT + room.getKey() + "..")).stream())
                            .hasSizeGreaterThanOrEqualTo(room.getValue())));
  }

  @TestFactory
  Stream<DynamicTest> modules_seeOnlyThoseBelow() {
    return Stream.of(
        sees("weights"),
        sees("runtime", "weights"),
        sees("runtime.torch", core()),
        sees("runtime.onnx", core()),
        sees("runtime.media", core()),
        sees("adapters", core()),
        sees("adapters.madeup", core()),
        sees("lora", core("runtime.media")),
        sees("evaluation", core("lora", "runtime.media")),
        sees("serve", core("lora", "runtime.media")),
        sees("cli", "serve", "evaluation", "lora", "adapters", "runtime", "weights"));
  }

  @TestFactory
  Stream<DynamicTest> theCore_seesNothingNative() {
    return Stream.of(core()).map(room -> sees(room, core()));
  }

  /** The rooms of weights-io and the runtime's core, and others beside them. */
  private static String[] core(String... others) {
    Stream<String> core =
        ROOMS.keySet().stream()
            .filter(room -> room.equals("weights") || room.startsWith("runtime."))
            .filter(room -> !NATIVE.contains(room));
    return Stream.concat(core, Stream.of(others)).sorted().toArray(String[]::new);
  }

  /** The table of docs/architecture.md is the rule. */
  @TestFactory
  Stream<DynamicTest> rooms_seeOnlyWhatThePageOfTheArchitectureSays() {
    List<List<String>> rooms = Page.read("docs/architecture.md").rows("room");
    assertThat(rooms)
        .extracting(row -> row.get(0))
        .containsAll(
            ROOMS.keySet().stream()
                .filter(room -> room.equals("weights") || room.startsWith("runtime."))
                .toList());
    return rooms.stream()
        .map(
            row ->
                sees(
                    row.get(0),
                    Stream.of(row.get(2).split(", "))
                        .filter(name -> !name.isEmpty())
                        .toArray(String[]::new)));
  }

  @TestFactory
  Stream<DynamicTest> libraries_areSeenOnlyWhereTheyBelong() {
    return Stream.of(
        library("ai.djl.huggingface.tokenizers..", "runtime.text"),
        holds(
            "ai.djl, tokenizers apart, is seen only by runtime.torch",
            noClasses()
                .that(resideOutside("runtime.torch"))
                .should()
                .dependOnClassesThat(
                    resideInAPackage("ai.djl..")
                        .and(not(resideInAPackage("ai.djl.huggingface.tokenizers.."))))),
        library("ai.onnxruntime..", "runtime.onnx"),
        library("org.bytedeco..", "runtime.media"),
        library("net.razorvine..", "weights.pickle"),
        library("com.google.re2j..", "weights.lora"),
        library("org.eclipse.jetty..", "serve"),
        library("io.micrometer..", "serve"),
        library("picocli..", "cli", "conformance"));
  }

  @TestFactory
  Stream<DynamicTest> noPackageCycles() {
    return Stream.of(
        holds(
            "packages are free of cycles",
            slices().matching("io.github.tpdiff.(**)").should().beFreeOfCycles()));
  }

  @Test
  void families_neverSeeEachOther() {
    slices()
        .matching("io.github.tpdiff.adapters.(*)..")
        .should()
        .notDependOnEachOther()
        // No family, but what their made-up checkpoints have in common.
        .ignoreDependency(alwaysTrue(), resideInAPackage(ROOT + "adapters.madeup.."))
        .check(HOUSE);
  }

  @Test
  void families_areReachedThroughTheirInterfaceAlone() {
    noClasses()
        .that(resideInAnyPackage(ROOT + "runtime..", ROOT + "lora..", ROOT + "cli.."))
        .should()
        .dependOnClassesThat(resideInAPackage(ROOT + "adapters.*.."))
        .allowEmptyShould(false)
        .check(HOUSE);
  }

  @Test
  void classNames_sayWhatTheClassIs() {
    classes()
        .should()
        .haveNameNotMatching(".*(Manager|Helper|Utils|Impl)(\\$.*)?")
        .andShould()
        .haveNameNotMatching(".*\\.[A-Za-z]*(Base|Common)(?![a-z])[A-Za-z]*(\\$.*)?")
        .allowEmptyShould(false)
        .check(HOUSE);
  }

  @Test
  void aRuleOnARoomThatIsNotThere_fails() {
    ArchRule rule = onlySees("attic");
    assertThatThrownBy(() -> rule.check(HOUSE)).isInstanceOf(AssertionError.class);
  }

  @Test
  void anArrowThatPointsBack_isFound() {
    ArchRule rule = onlySees("runtime.pipeline", "runtime.graph");
    assertThatThrownBy(() -> rule.check(HOUSE)).isInstanceOf(AssertionError.class);
  }

  private static DynamicTest sees(String room, String... others) {
    return holds(room + " sees of this house only " + List.of(others), onlySees(room, others));
  }

  private static ArchRule onlySees(String room, String... others) {
    String[] allowed =
        Stream.concat(Stream.of(room), Arrays.stream(others))
            .map(name -> ROOT + name + "..")
            .toArray(String[]::new);
    return noClasses()
        .that(resideInAPackage(ROOT + room + ".."))
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.github.tpdiff..").and(not(resideInAnyPackage(allowed))))
        .allowEmptyShould(false);
  }

  private static DynamicTest library(String library, String... rooms) {
    return holds(
        library + " is seen only by " + List.of(rooms),
        noClasses()
            .that(resideOutside(rooms))
            .should()
            .dependOnClassesThat(resideInAPackage(library)));
  }

  private static DescribedPredicate<JavaClass> resideOutside(String... rooms) {
    return not(
        resideInAnyPackage(
            Arrays.stream(rooms).map(name -> ROOT + name + "..").toArray(String[]::new)));
  }

  private static DynamicTest holds(String claim, ArchRule rule) {
    return DynamicTest.dynamicTest(claim, () -> rule.allowEmptyShould(false).check(HOUSE));
  }
}
