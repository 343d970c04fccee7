package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.github.tpdiff.cli.Tpdiff;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import picocli.CommandLine;

/** What the pages say of the tree, against the tree. */
final class DocumentationTest {
  /** A class as prose names it, perhaps with a folder before and a member behind. */
  private static final Pattern CLASS =
      Pattern.compile(
          "((?:[a-z-]+/)*)([A-Z][a-z0-9]+[A-Za-z0-9]*)((?:[.#][A-Za-z_]+)*)(?:\\(.*\\))?");

  private static final Pattern CALL = Pattern.compile("(?:\\./)?tpdiff ([a-z][a-z-]*)(.*)");

  private static Map<String, List<Path>> sources() throws IOException {
    var sources = new TreeMap<String, List<Path>>();
    try (Stream<Path> files = Files.walk(Page.root())) {
      files
          .filter(file -> file.toString().matches(".*/src/(main|test)/java/.*\\.java"))
          .forEach(
              file ->
                  sources
                      .computeIfAbsent(
                          file.getFileName().toString().replace(".java", ""),
                          name -> new ArrayList<>())
                      .add(file));
    }
    return sources;
  }

  private static Stream<DynamicTest> ofEachPage(java.util.function.Consumer<Page> claim) {
    return Page.all().stream()
        .map(page -> DynamicTest.dynamicTest(page.name(), () -> claim.accept(page)));
  }

  @TestFactory
  Stream<DynamicTest> everyClassAndMemberThatAPageNames_isInTheTree() throws IOException {
    Map<String, List<Path>> sources = sources();
    assertThat(sources).hasSizeGreaterThan(300);
    return ofEachPage(
        page -> {
          for (String span : page.spans()) {
            Matcher name = CLASS.matcher(span);
            if (name.matches()) {
              assertThat(isThere(sources, name)).as(span).isTrue();
            }
          }
        });
  }

  private static boolean isThere(Map<String, List<Path>> sources, Matcher name) {
    String folder = name.group(1);
    if (isOfTheJdk(name.group(2))) {
      return true;
    }
    return sources.getOrDefault(name.group(2), List.of()).stream()
        .filter(
            file ->
                String.valueOf(file.getParent()).concat("/").endsWith("/" + folder)
                    || folder.isEmpty())
        .anyMatch(file -> hasMembers(file, name.group(3)));
  }

  private static boolean isOfTheJdk(String name) {
    return Stream.of("java.lang", "java.util")
        .anyMatch(
            room ->
                Object.class.getResource("/%s/%s.class".formatted(room.replace('.', '/'), name))
                    != null);
  }

  private static boolean hasMembers(Path file, String members) {
    String text = source(file);
    return Stream.of(members.split("[.#]"))
        .filter(member -> !member.isEmpty())
        .allMatch(
            member ->
                Pattern.compile(
                        "(\\b%1$s\\(|(class|record|enum|interface) %1$s\\b|\\b%1$s[,;(]| %1$s =)"
                            .formatted(Pattern.quote(member)))
                    .matcher(text)
                    .find());
  }

  private static String source(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }

  @TestFactory
  Stream<DynamicTest> everyCommandThatAPageNames_isThereAndIsCalledSo() {
    return ofEachPage(
        page -> {
          for (String line : page.code()) {
            findCall(line)
                .ifPresent(
                    call ->
                        assertThatCode(() -> CommandHelpTest.called("tpdiff " + call))
                            .as("%s: %s", page.name(), line)
                            .doesNotThrowAnyException());
          }
          for (String span : page.spans()) {
            findCall(span).ifPresent(call -> requireCommandAndOptions(span, call));
          }
        });
  }

  /** A call without what a shell takes for itself. */
  private static Optional<String> findCall(String line) {
    Matcher call = CALL.matcher(line.strip());
    return call.matches()
        ? Optional.of((call.group(1) + call.group(2)).replaceFirst("\\s+[#>|].*", ""))
        : Optional.empty();
  }

  /** A call in prose may leave out its arguments. */
  private static void requireCommandAndOptions(String span, String call) {
    CommandLine command = Tpdiff.commandLine();
    boolean named = false;
    for (String word : CommandHelpTest.words("tpdiff " + call)) {
      if (word.startsWith("--")) {
        assertThat(command.getCommandSpec().optionsMap()).as(span).containsKey(word);
      } else if (command.getSubcommands().containsKey(word)) {
        command = command.getSubcommands().get(word);
        named = true;
      }
    }
    assertThat(named).as(span).isTrue();
  }

  @TestFactory
  Stream<DynamicTest> everyLinkWithinTheTree_leadsSomewhere() {
    return ofEachPage(
        page -> {
          Path folder = Page.root().resolve(page.name()).resolveSibling("");
          for (String link : page.links()) {
            if (!link.startsWith("http")) {
              assertThat(folder.resolve(link.replaceFirst("#.*", ""))).exists();
            }
          }
        });
  }

  @Test
  void modulesAndTheirArrows_areThoseOfThePoms() throws IOException {
    var arrows = new TreeMap<String, String>();
    for (List<String> row : Page.read("docs/architecture.md").rows("module")) {
      arrows.put(row.get(0), row.get(2));
    }
    var poms = new TreeMap<String, String>();
    Matcher modules =
        Pattern.compile("<module>(.*?)</module>").matcher(Page.read("pom.xml").text());
    while (modules.find()) {
      String own =
          Page.read(modules.group(1) + "/pom.xml").text().replaceAll("(?s)<profiles>.*", "");
      List<String> below =
          Pattern.compile(
                  "<dependency>\\s*<groupId>io.github.tpdiff</groupId><artifactId>tpdiff-([a-z-]+)</artifactId></dependency>")
              .matcher(own)
              .results()
              .map(found -> found.group(1).replace("runtime-", "runtime/"))
              .toList();
      poms.put(modules.group(1), String.join(", ", below));
    }
    assertThat(arrows).isEqualTo(poms);
  }

  @Test
  void aNameThatIsNotThere_isFound() throws IOException {
    for (String wrong :
        List.of("NoSuchClass", "StagePlan.noSuchMethod", "runtime/onnx/StagePlan")) {
      Matcher name = CLASS.matcher(wrong);
      assertThat(name.matches()).isTrue();
      assertThat(isThere(sources(), name)).as(wrong).isFalse();
    }
  }
}
